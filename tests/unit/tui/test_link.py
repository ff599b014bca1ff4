from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from llmd.errors import DaemonUnreachable, LlmdError
from llmd.protocol.feed import Snapshot
from llmd.tui.link import FEED, Link, pause
from tests.fakes.moments import moment
from tests.fakes.snapshots import snapshot


class Script:
    """A client whose feed is written down: each entry is one connection."""

    def __init__(self, *connections: list[Snapshot | LlmdError | dict[str, Any]]) -> None:
        self.connections = [*connections]
        self.asked: list[tuple[str, str]] = []

    async def stream_lines(
        self, path: str, body: object = None, method: str = "POST"
    ) -> AsyncGenerator[dict[str, Any]]:
        self.asked.append((method, path))
        if not self.connections:
            await asyncio.Event().wait()
        for said in self.connections.pop(0):
            if isinstance(said, LlmdError):
                raise said
            yield said if isinstance(said, dict) else msgspec.to_builtins(said)


class Ears:
    """What a line tells."""

    def __init__(self, script: Script) -> None:
        self.heard: list[object] = []
        self.link = Link(script, self.heard.append, self.lost)

    def lost(self, error: LlmdError, attempt: int) -> None:
        self.heard.append((error.message, attempt))
        self.link.hurry()

    async def listen(self, until: int) -> list[object]:
        task = asyncio.ensure_future(self.link.run())
        async with asyncio.timeout(10):
            while len(self.heard) < until:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return self.heard


async def test_snapshots_arrive_in_turn() -> None:
    script = Script([snapshot(at=1.0), snapshot(at=2.0)])
    heard = await Ears(script).listen(3)
    assert [one.at for one in heard[:2] if isinstance(one, Snapshot)] == [1.0, 2.0]
    assert heard[2] == ("The daemon ended.", 1)
    assert script.asked[0] == ("GET", FEED)


async def test_it_comes_back_after_failures_and_counts_from_one_again() -> None:
    down = DaemonUnreachable("Down.")
    script = Script([down], [down], [snapshot(at=5.0), down], [down])
    heard = await Ears(script).listen(5)
    assert heard[0:2] == [("Down.", 1), ("Down.", 2)]
    assert isinstance(heard[2], Snapshot)
    assert heard[3:5] == [("Down.", 1), ("Down.", 2)]


async def test_a_daemon_of_another_version_is_said() -> None:
    heard = await Ears(Script([{"at": "soon"}])).listen(1)
    assert heard == [("This llmd does not understand the daemon, which is of another version.", 1)]


async def test_it_waits_between_attempts_unless_hurried() -> None:
    script = Script(*[[DaemonUnreachable("Down.")]] * 3)
    heard: list[int] = []
    link = Link(script, heard.append, lambda _, attempt: heard.append(attempt))  # type: ignore[arg-type]
    task = asyncio.ensure_future(link.run())
    while not heard:
        await asyncio.sleep(0)
    await moment()
    assert heard == [1]
    link.hurry()
    while len(heard) < 2:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


def test_pauses_grow_up_to_a_limit() -> None:
    assert [pause(attempt) for attempt in (1, 2, 3, 50)] == [0.25, 0.5, 1.0, 5.0]
