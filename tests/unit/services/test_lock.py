from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llmd.errors import AlreadyRunning
from llmd.services.lock import DaemonLock


def test_a_second_holder_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "state" / "daemon.lock"
    refused = pytest.raises(AlreadyRunning, match=str(os.getpid()))
    with DaemonLock(path), refused, DaemonLock(path):
        pass
    with DaemonLock(path):
        pass


def test_the_lock_goes_with_the_process_that_held_it(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    code = (
        "import os, pathlib, sys\nfrom llmd.services.lock import DaemonLock\n"
        "DaemonLock(pathlib.Path(sys.argv[1])).__enter__()\nprint('held', flush=True)\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "held\n"
    with DaemonLock(path):
        assert path.read_text().split()[0] == str(os.getpid())
