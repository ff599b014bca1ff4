from __future__ import annotations

import msgspec
import pytest

from llmd.errors import ModelNotFound, QueueFull
from llmd.protocol.callers import Caller
from llmd.protocol.events import Delta, Finished, Queued
from llmd.server.completions import exchange, schema
from llmd.server.http.body import decode_json
from tests.unit.services.conftest import Bench

CALLER = Caller(client="key:abc", trace="t-1")


def chat(**fields: object) -> schema.ChatRequest:
    body = {"messages": [{"role": "user", "content": "a b"}], **fields}
    return decode_json(msgspec.json.encode(body), schema.ChatRequest)


def text(**fields: object) -> schema.CompletionRequest:
    return decode_json(msgspec.json.encode({"prompt": "a b", **fields}), schema.CompletionRequest)


async def test_a_text_is_continued_whole(bench: Bench) -> None:
    async with exchange.text(bench.services, CALLER, text()) as under_way:
        assert under_way.headers["X-LLMD-Queue-Position"] == "0"
        found = await under_way.whole()
        assert under_way.text == "ab"
    assert [choice.text for choice in found.choices if isinstance(choice, schema.TextChoice)] == [
        "ab"
    ]


async def test_a_conversation_is_answered_piece_by_piece(bench: Bench) -> None:
    said = ""
    async with exchange.chat(bench.services, CALLER, chat(stream=True)) as under_way:
        async for chunk in under_way.chunks():
            assert not isinstance(chunk, Queued)
            for choice in chunk.choices:
                assert isinstance(choice, schema.ChatChunkChoice)
                said += choice.delta.content or ""
    assert said == under_way.text != ""


async def test_what_a_model_tells_is_told_as_it_is(bench: Bench) -> None:
    done: list[str] = []

    async def end() -> None:
        done.append(under_way.text)

    async with exchange.chat(bench.services, CALLER, chat(n=2)) as under_way:
        assert (under_way.model, under_way.first_piece) == ("llmd-tiny", 0.0)
        assert [one.prompt_tokens for one in under_way.accepted] == [2, 2]
        under_way.before_end(end)
        found = [event async for event in under_way.events()]
    assert [event.text for event in found if isinstance(event, Delta)] == ["a", "b"]
    assert isinstance(found[-1], Finished)
    assert 0 < under_way.first_piece <= under_way.last_piece
    assert done == ["ab"]


@pytest.mark.parametrize("stream", [False, True])
async def test_what_shall_be_done_before_the_end_is_done(bench: Bench, stream: bool) -> None:
    done: list[tuple[str, int]] = []

    async def end() -> None:
        first = under_way.first
        done.append((first.text, first.tokens))

    asked = chat(stream=stream, stream_options={"include_usage": True})
    async with exchange.chat(bench.services, CALLER, asked) as under_way:
        under_way.before_end(end)
        if not stream:
            await under_way.whole()
        else:
            async for chunk in under_way.chunks():
                assert isinstance(chunk, schema.Completion)
                # the last one, without choices, has the figures
                assert bool(done) is (not chunk.choices)
    assert done == [("ab", 2)]


async def test_requests_are_listed_by_who_sent_them(bench: Bench) -> None:
    async with exchange.text(bench.services, CALLER, text(user="ann")) as under_way:
        await under_way.whole()
    async with exchange.text(bench.services, Caller(), text(user="ann")) as under_way:
        await under_way.whole()
    ended = bench.services.requests.list().ended
    assert [(report.client, report.trace) for report in ended] == [
        ("key:abc", "t-1"),
        ("user:ann", ""),
    ]


async def test_what_cannot_begin_is_refused_at_the_door(bench: Bench) -> None:
    with pytest.raises(ModelNotFound):
        async with exchange.chat(bench.services, CALLER, chat(model="nobody")):
            pass
    bench.starts.fail = [QueueFull("full", retry_after=3)]
    with pytest.raises(QueueFull):
        async with exchange.text(bench.services, CALLER, text()):
            pass
