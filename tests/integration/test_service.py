"""`llmd service` with a real systemd: a user's manager in namespaces of its own, gone with the test.

It sees no unit of this machine, only llmd's and targets that do nothing: those of a machine clean
/tmp and set up devices, which namespaces do not keep from it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import llmd

MANAGER = "/lib/systemd/systemd"
IN_A_PLACE_OF_ITS_OWN = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

NO_MANAGER = 77

# systemd wants to be the machine's own, and the user's runtime directory
SETTING = f"""
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
env -u LLMD_PORT {MANAGER} --user --unit=default.target 2> /dev/null &
for _ in $(seq 200); do
    systemctl --user show --property=Version > /dev/null 2>&1 && break
    sleep 0.05
done
systemctl --user show --property=Version > /dev/null 2>&1 || exit {NO_MANAGER}
llmd() {{ "$PYTHON" -m llmd "$@"; }}
main_pid() {{ systemctl --user show --property=MainPID --value llmd.service; }}
"""

TARGETS = ("basic", "default", "sockets", "shutdown", "exit", "timers", "paths")


def only_what_does_nothing(folder: Path) -> Path:
    """Make the targets that every unit is tied to, without anything that they want."""
    folder.mkdir()
    for name in TARGETS:
        (folder / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n", encoding="utf-8")
    return folder


STORY = """
systemctl --user list-units --all --no-legend --plain
llmd service install > /dev/null 2>&1
llmd service install
llmd status || echo "asleep $?"
echo "before $(main_pid)"
"$PYTHON" -c "$ASK"
llmd service status --json
crashed=$(main_pid)
kill -9 "$crashed"
while [ "$(main_pid)" = "$crashed" ] || [ "$(main_pid)" = 0 ]; do sleep 0.1; done
"$PYTHON" -c "$ASK"
llmd restart
llmd stop > /dev/null
llmd service remove > /dev/null
llmd service remove
llmd status || echo "gone $?"
"""

ASK = """
import os, urllib.request
with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['LLMD_PORT']}/health", timeout=60) as answer:
    print("healthy" if b"healthy" in answer.read() else "ill")
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user without a past."""
    # a service manager acts on more than its own files when something is amiss
    if not os.environ.get("LLMD_TEST_SYSTEMD"):
        pytest.skip("runs a service manager: for throwaway machines, with LLMD_TEST_SYSTEMD=1")
    if not Path(MANAGER).exists() or shutil.which("unshare") is None:
        pytest.skip("systemd is not installed")
    if subprocess.run(
        [*IN_A_PLACE_OF_ITS_OWN, "true"], capture_output=True, check=False
    ).returncode:
        pytest.skip("namespaces may not be made here")
    targets = only_what_does_nothing(tmp_path / "targets")
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL"}}
    return {
        **kept,
        "HOME": str(tmp_path),
        "SYSTEMD_UNIT_PATH": f"{tmp_path}/.config/systemd/user:{targets}",
        "SYSTEMD_GENERATOR_PATH": str(tmp_path / "no generators"),
        "SYSTEMD_ENVIRONMENT_GENERATOR_PATH": str(tmp_path / "no generators"),
        "XDG_RUNTIME_DIR": "/run/user/0",
        "PYTHON": sys.executable,
        # where llmd was not installed the manager hands on where it lies
        "PYTHONPATH": str(Path(llmd.__file__).parents[1]),
        "LLMD_PORT": str(free_port()),
        "ASK": ASK,
    }


def test_systemd_starts_watches_and_stops_the_daemon(environment: dict[str, str]) -> None:
    ended = subprocess.run(
        [*IN_A_PLACE_OF_ITS_OWN, "sh", "-c", SETTING + STORY],
        capture_output=True,
        text=True,
        env=environment,
        timeout=110,
        check=False,
    )
    if ended.returncode == NO_MANAGER:
        pytest.skip("systemd cannot run here")
    told = ended.stdout
    assert ended.returncode == 0, told + ended.stderr
    foreign = [line.split()[0] for line in told[: told.index("llmd is installed")].splitlines()]
    assert not [name for name in foreign if name.endswith((".service", ".timer", ".socket"))]
    assert "llmd is installed as a service already, just so\n" in told
    assert "asleep 3\nbefore 0\nhealthy\n" in told, "looking does not wake it, a connection does"
    report = json.loads(told[told.index("{") : told.index("}") + 1])
    assert (report["running"], report["current"], report["at_login"]) == (True, True, False)
    assert "}\nhealthy\nllmd is running at" in told, "it came back after the crash"
    assert told.endswith("llmd is not installed as a service\ngone 3\n"), told
