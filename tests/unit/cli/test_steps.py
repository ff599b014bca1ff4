from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmd.cli import serve, steps
from llmd.cli.steps import Call, Delete, Step, StopDaemon, Write, called, perform, script, shown
from llmd.errors import DaemonUnreachable, LlmdError


def test_steps_are_told_in_words(tmp_path: Path) -> None:
    told = [shown(step) for step in every(tmp_path)]
    file = tmp_path / "new" / "a file"
    assert told == [f"write {file}", f"delete {file}", "run touch 'a b'", f"{STOP}"]


STOP = "stop the daemon that runs now"


def every(folder: Path) -> list[Step]:
    file = folder / "new" / "a file"
    return [Write(file, "模型 $x `y`\n"), Delete(file), Call(("touch", "a b")), StopDaemon()]


def test_files_are_written_and_deleted(tmp_path: Path) -> None:
    write, delete, *_ = every(tmp_path)
    perform(write)
    assert (tmp_path / "new" / "a file").read_text(encoding="utf-8") == "模型 $x `y`\n"
    perform(delete)
    perform(delete)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_command_that_fails_says_why_and_what_to_do() -> None:
    perform(Call(("true",)))
    with pytest.raises(LlmdError, match=r"`sh -c .*` failed: no bus\. Look there\.") as caught:
        perform(Call(("sh", "-c", "echo no bus. >&2; exit 5"), hint="Look there."))
    assert caught.value.hint == "Look there."
    with pytest.raises(LlmdError, match=r"failed: exit code 1\."):
        perform(Call(("false",)))


def test_a_command_that_is_not_there_or_hangs_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(LlmdError, match="could not be run"):
        called(("/no/such/program",))
    monkeypatch.setattr(steps, "_PATIENCE", 0.05)
    with pytest.raises(LlmdError, match="could not be run"):
        called(("sleep", "60"))


def test_the_daemon_is_stopped_or_has_ended_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def halt(*, now: bool) -> int:
        asked.append(now)
        if len(asked) > 1:
            raise DaemonUnreachable("It is not running.")
        return 1

    monkeypatch.setattr(serve, "halt", halt)
    perform(StopDaemon())
    perform(StopDaemon())
    assert asked == [False, False]


def test_a_script_does_the_same_as_the_steps(tmp_path: Path) -> None:
    write, delete, *_ = every(tmp_path)
    file = tmp_path / "new" / "a file"
    subprocess.run(["sh", "-c", script([write])], check=True)
    assert file.read_text(encoding="utf-8") == "模型 $x `y`\n"
    calls = [Call(("cp", str(file), str(tmp_path / "copy"))), delete]
    subprocess.run(["sh", "-c", script(calls)], check=True)
    assert not file.exists()
    assert (tmp_path / "copy").exists()
    assert script([StopDaemon()]).endswith("\nllmd stop\n")
    assert subprocess.run(["sh", "-c", script([Call(("false",))])], check=False).returncode == 1
