from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from llmd.cli import completions
from llmd.cli.commands import application
from llmd.cli.completions import SCRIPTS, TABLE, script, table, write

COMPLETIONS = Path(__file__).parents[3] / "completions"
FRESH = "run `python -m llmd.cli.completions completions`"


@pytest.mark.parametrize(("shell", "name"), SCRIPTS.items())
def test_the_files_in_the_repository_are_fresh(shell: str, name: str) -> None:
    assert (COMPLETIONS / name).read_text(encoding="utf-8") == script(shell), FRESH


def test_the_table_of_commands_is_fresh() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), FRESH


def test_writes_one_file_per_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "TABLE", tmp_path / "table.json")
    write(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(SCRIPTS.values())
    assert json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))["root"]


def test_the_table_has_every_command_and_option_that_typer_has() -> None:
    def compare(node: dict, command: object, path: str) -> None:  # type: ignore[type-arg]
        context = typer.Context(command, info_name="llmd")  # type: ignore[arg-type]
        params = [one for one in command.get_params(context) if not one.hidden]  # type: ignore[attr-defined]
        known = {name for option in node["options"] for name in option["names"]}
        real = {
            name
            for one in params
            if one.param_type_name == "option"
            for name in (*one.opts, *one.secondary_opts)
        }
        assert real - known <= {"-h"}, path
        assert known - real <= {"--quiet", "--verbose"}, path
        arguments = [one for one in params if one.param_type_name == "argument"]
        assert len(node["arguments"]) == len(arguments), path
        assert [bool(one.get("many")) for one in node["arguments"]] == [
            one.nargs == -1 for one in arguments
        ], path
        below = getattr(command, "commands", {})
        assert set(node.get("commands", {})) == {n for n, one in below.items() if not one.hidden}
        for name, one in below.items():
            compare(node["commands"][name], one, f"{path} {name}")

    compare(json.loads(table())["root"], typer.main.get_command(application()), "llmd")


def test_values_are_marked_with_what_they_are() -> None:
    commands = json.loads(table())["root"]["commands"]
    options = {name: option for option in commands["run"]["options"] for name in option["names"]}
    assert options["--model"]["kind"] == "models"
    assert options["--file"] == {**options["--file"], "takes": True, "many": True, "kind": "files"}
    assert options["--overflow"]["choices"] == ["error", "truncate", "shift"]
    assert "takes" not in options["--json"]
    assert commands["pull"]["arguments"] == [{"kind": "catalogue"}]
