"""What `--json` prints is an interface: fields may be added to it, but none goes away.

tests/data/cli_json.json has the fields that scripts may rely on, by command.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from llmd.cli.commands import application
from llmd.cli.main import run
from tests.integration.conftest import Daemon

RECORD = Path(__file__).parents[1] / "data" / "cli_json.json"
FIELDS: dict[str, list[str]] = json.loads(RECORD.read_text(encoding="utf-8"))

LINES = {
    "run": "run -n 2 -t 0 Hello",
    "generate": "generate -n 2 -t 0 Hello",
    "embed": "embed -m llmd-tiny Hello",
    "load": "load llmd-tiny",
    "ps": "ps",
    "status": "status",
    "ls": "ls",
    "show": "show llmd-tiny",
    "search": "search qwen3-4b",
    "create": "create json-preset --from llmd-tiny --system brief",
    "rm": "rm json-preset",
    "quantize": "quantize --list",
    "import": "import --scan --from {empty}",
    "default": "default",
    "du": "du",
    "gc": "gc --dry-run",
    "verify": "verify llmd-tiny",
    "plan": "plan llmd-tiny",
    "requests": "requests --all",
    "sessions ls": "sessions ls",
    "sessions show": "sessions show JsonTrip",
    "sessions export": "sessions export JsonTrip",
    "users add": "users add jsonuser --password-stdin",
    "users ls": "users ls",
    "users audit": "users audit",
    "keys add": "keys add --name jsonkey",
    "keys ls": "keys ls",
    "keys usage": "keys usage",
    "adapters ls": "adapters ls",
    "config show": "config show",
    "env": "env",
    "logs": "logs -n 5",
    "unload": "unload llmd-tiny",
}
"""Command lines in the order they run; each gets `--json`."""

ELSEWHERE = {
    "pull": "tests/integration/test_pull.py has a hub to pull from",
    "adapters add": "test_adapters.py has an adapter",
    "cancel": "needs an answer under way: below",
    "doctor": "tests/unit/cli/test_doctor.py: it takes seconds",
    "bench": "tests/integration/test_bench.py: it takes seconds",
    "service status": "needs systemd or launchd: tests/unit/cli/test_service.py",
}

Say = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def say(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Say]:
    """Run a command line with `--json`; return the documents it prints."""
    empty = tmp_path_factory.mktemp("empty")

    def say(line: str, stdin: str = "") -> list[Any]:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with contextlib.redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(stdin))
            arguments = [word.format(empty=empty) for word in line.split()]
            assert run([*arguments, "--json"]) == 0
        text = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
        try:
            return [json.loads(text)]
        except ValueError:
            return [json.loads(one) for one in text.splitlines()]

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LLMD_")]:
            patch.delenv(name)
        for name, value in daemon.environment.items():
            patch.setenv(name, value)
        yield say


@pytest.fixture(scope="module")
def told(daemon: Daemon, say: Say) -> dict[str, list[Any]]:
    """What all commands print."""
    session = daemon.call("POST", "/control/sessions", {"title": "JsonTrip"})
    message = {"messages": [{"role": "user", "content": "Hi"}]}
    daemon.call("POST", f"/control/sessions/{session['id']}/messages", message)
    found = {name: say(line, stdin="a long password\n") for name, line in LINES.items()}
    daemon.call("DELETE", f"/control/sessions/{session['id']}")
    daemon.call("DELETE", "/control/users/jsonuser")
    daemon.call("DELETE", "/control/keys/jsonkey")
    return found


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Every field of a document, those of lists marked with []."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield f"{path}.{key}".lstrip(".")
            yield from fields(below, f"{path}.{key}")
    elif isinstance(value, list):
        for below in value:
            yield from fields(below, f"{path}[]")


@pytest.mark.parametrize("name", LINES)
def test_no_field_goes_away(told: dict[str, list[Any]], name: str) -> None:
    there = {field for document in told[name] for field in fields(document)}
    assert sorted(set(FIELDS[name]) - there) == []


def test_every_command_with_json_is_looked_at() -> None:
    def reporting(command: Any, path: str = "") -> Iterator[str]:
        if any("--json" in param.opts for param in command.params):
            yield path
        for name, below in getattr(command, "commands", {}).items():
            yield from reporting(below, f"{path} {name}".strip())

    known = {*LINES, *ELSEWHERE}
    assert sorted(set(reporting(typer.main.get_command(application()))) ^ known) == []


def test_a_cancelled_request_is_reported_and_its_client_is_told(daemon: Daemon, say: Say) -> None:
    body = {
        "messages": [{"role": "user", "content": "Hello"}],
        "ignore_eos": True,
        "context_overflow": "shift",
        "temperature": 0,
    }
    stream = daemon.open_stream(body)
    events = stream.events()
    next(events)
    (listed,) = say("requests")
    (report,) = say(f"cancel {listed['live'][-1]['id']}")
    assert report["model"] == "llmd-tiny"
    errors = [event["error"] for event in events if "error" in event]
    assert [error["code"] for error in errors] == ["request_cancelled"]
    assert run(["cancel", str(report["id"])]) == 1
