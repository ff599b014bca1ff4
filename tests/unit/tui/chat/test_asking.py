from __future__ import annotations

import asyncio

import pytest

from llmd.errors import DaemonUnreachable, ModelNotFound
from llmd.tui.chat.asking import ask
from llmd.tui.chat.turns import Turn, TurnState
from tests.fakes.chat_daemon import ChatDaemon, chunk


def asking() -> Turn:
    return Turn("assistant", state=TurnState.ASKING, trace="t1")


async def test_an_answer_is_streamed_into_its_turn() -> None:
    daemon, turn, seen = ChatDaemon(), asking(), []
    ticks = iter((10.0, 10.5, 11.0, 11.5, 12.0))
    await ask(
        daemon, {"model": "tiny"}, turn, lambda one: seen.append(one.text), lambda: next(ticks)
    )
    assert (turn.text, turn.state, turn.first_token) == ("An answer.", TurnState.DONE, 0.5)
    assert seen == ["An ", "An answer.", "An answer."]
    assert daemon.traces == ["t1"]
    usage = {"include_usage": True}
    assert daemon.asked == [{"model": "tiny", "stream": True, "stream_options": usage}]


async def test_what_came_before_a_failure_counts() -> None:
    daemon, turn = ChatDaemon(), asking()
    error = DaemonUnreachable("Gone.")
    daemon.script = [chunk("Half"), error]
    await ask(daemon, {}, turn, lambda _: None)
    assert (turn.text, turn.state, turn.error) == ("Half", TurnState.BROKEN, error)


async def test_a_refusal_is_told_in_the_turn() -> None:
    daemon, turn, seen = ChatDaemon(), asking(), []
    daemon.script = [ModelNotFound("No such model.")]
    await ask(daemon, {}, turn, seen.append)
    assert (turn.state, seen) == (TurnState.FAILED, [turn])


async def test_stopping_keeps_what_came() -> None:
    daemon, turn = ChatDaemon(), asking()
    daemon.script = [chunk("Half"), None]
    task = asyncio.ensure_future(ask(daemon, {}, turn, lambda _: None))
    while not turn.text:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (turn.state, turn.finish_reason) == (TurnState.STOPPED, "stopped")
