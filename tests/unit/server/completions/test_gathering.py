from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import msgspec
import pytest

from llmd.errors import WorkerDied
from llmd.protocol.events import Queued
from llmd.server.completions import schema
from llmd.server.completions.gathering import gathered, with_usage


async def spoken(*words: str | float | Exception) -> AsyncGenerator[str]:
    """Give words; a number is a pause, an exception is raised."""
    for word in words:
        if isinstance(word, Exception):
            raise word
        if isinstance(word, float):
            await asyncio.sleep(word)
        else:
            yield word


async def heard(source: AsyncGenerator[str]) -> list[list[str]]:
    async with aclosing(source), aclosing(gathered(source)) as pairs:
        return [pair async for pair in pairs]


async def test_what_is_there_at_once_comes_together() -> None:
    assert await heard(spoken("a", 0.01, "b", "end")) == [["a"], ["b", "end"]]


async def test_what_is_always_ready_comes_in_pairs_and_not_all_at_last() -> None:
    assert await heard(spoken(*"abcde")) == [["a", "b"], ["c", "d"], ["e"]]


async def test_nothing_gives_nothing() -> None:
    assert await heard(spoken()) == []


@pytest.mark.parametrize("pause", [[], [0.01]])
async def test_a_failure_comes_after_what_was_said_before_it(pause: list[float]) -> None:
    found = []
    with pytest.raises(WorkerDied):
        async for pair in gathered(spoken("a", "b", "c", *pause, WorkerDied("gone"))):
            found.append(pair)
    assert found == [["a", "b"], ["c"]]


async def test_closing_in_the_middle_ends_the_source_where_it_waits() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncGenerator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with aclosing(gathered(endless())) as pairs:
        assert await anext(pairs) == ["a"]
    assert ended.is_set()


async def test_a_cancelled_reader_ends_the_source_too() -> None:
    ended = asyncio.Event()

    async def silent() -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
            yield ""
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await heard(silent())
    assert ended.is_set()


END = schema.Completion(
    id="cmpl-1",
    object="text_completion",
    created=1,
    model="m",
    choices=[],
    usage=schema.Usage(prompt_tokens=2, completion_tokens=3, total_tokens=5),
)


def chunk(text: str, reason: str | None = None, index: int = 0) -> schema.Completion:
    choices = [schema.TextChoice(index, text, reason)]
    return msgspec.structs.replace(END, choices=choices, usage=None)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ([chunk("a"), chunk("", "stop"), END], ["a", "!"]),
        ([chunk("a", "stop"), chunk("b", index=1), chunk("", "stop", 1), END], ["a", "b", "!"]),
        ([Queued(1, 0.5), chunk("a"), chunk("", "stop")], ["a", ""]),
        ([chunk("", "stop"), chunk("", "stop", 1), END], ["", "!"]),
        ([], []),
        ([END], []),
    ],
)
async def test_figures_come_with_the_last_chunk(
    sent: list[schema.Completion | Queued], told: list[str]
) -> None:
    async def stream() -> AsyncIterator[schema.Completion | Queued]:
        for one in sent:
            yield one

    seen = [one async for one in with_usage(stream())]
    assert [one.choices[0].text or ("!" if one.usage else "") for one in seen] == told  # type: ignore[union-attr]
    assert all(one.choices for one in seen)
