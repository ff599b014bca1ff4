from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from llmd.telemetry.systemd import Systemd


async def test_says_ready_and_keeps_pinging_the_watchdog(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(30)
        systemd = Systemd.from_environment(
            {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "20000"}
        )
        async with systemd.watched():
            messages = [await asyncio.to_thread(manager.recv, 100) for _ in range(4)]
        systemd.notify("STOPPING=1")
        while messages[-1] != b"STOPPING=1":
            messages.append(manager.recv(100))
    assert messages[0] == b"READY=1"
    assert messages.count(b"WATCHDOG=1") >= 3


def test_a_watchdog_of_another_process_is_not_ours() -> None:
    env = {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid() + 1)}
    assert Systemd.from_environment(env)._watchdog is None


def test_nothing_happens_outside_systemd(tmp_path: Path) -> None:
    Systemd.from_environment({}).notify("READY=1")
    Systemd.from_environment({"NOTIFY_SOCKET": str(tmp_path / "gone")}).notify("READY=1")
