from __future__ import annotations

import msgspec
import pytest

from llmd.errors import ModelNotFound, QueueFull
from llmd.protocol.callers import Caller
from llmd.protocol.events import Queued
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
