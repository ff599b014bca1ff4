from __future__ import annotations

import base64

import msgspec
import pytest

from llmd.protocol.callers import EVERYTHING, Caller
from llmd.protocol.sessions import NewMessage
from tests.fakes.talkers import PNG, SESSIONS, Talker
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench

EVERYBODY = Caller(scopes=EVERYTHING)


@pytest.fixture
async def talker(connect: Connect) -> Talker:
    return Talker(await connect(tcp=True))


async def test_a_conversation_is_a_file_for_people(talker: Talker) -> None:
    session = await talker.begin('北京 "trip"/2')
    await talker.answer(session, "Where to?")
    async with talker.client.get(f"{SESSIONS}/{session}/export") as answer:
        text = await answer.text()
        told = answer.headers["Content-Disposition"]
    assert answer.content_type == "text/markdown"
    assert told.startswith('attachment; filename="__ trip 2.md"')
    assert told.endswith("filename*=UTF-8''%E5%8C%97%E4%BA%AC%20trip%202.md")
    assert text.startswith('# 北京 "trip"/2\n')
    assert "## You" in text
    assert "## Answer (llmd-tiny)" in text
    assert "\nWhere to?\n" in text
    headers = {"Accept-Language": "zh-CN"}
    async with talker.client.get(f"{SESSIONS}/{session}/export", headers=headers) as answer:
        assert "## 我" in await answer.text()


async def test_a_long_conversation_is_written_piece_by_piece(talker: Talker, bench: Bench) -> None:
    session = await talker.begin("long")
    new = [NewMessage(role="user", content=f"message {number}.") for number in range(1200)]
    await bench.services.sessions.add_many(EVERYBODY, session, new)
    async with talker.client.get(f"{SESSIONS}/{session}/export?format=json") as answer:
        assert answer.content_type == "application/json"
        told = await answer.json()
    assert told["session"]["title"] == "long"
    assert [one["content"] for one in told["messages"]] == [one.content for one in new]
    async with talker.client.get(f"{SESSIONS}/{session}/export?format=markdown") as answer:
        text = await answer.text()
    assert all(f"\nmessage {number}.\n" in text for number in range(1200))


async def test_pictures_go_into_the_json(talker: Talker, bench: Bench) -> None:
    bench.store.copy("llmd-tiny", "eyes")
    bench.store.change("eyes", lambda model: msgspec.structs.replace(model, vision=True))
    session = await talker.begin()
    await talker.answer(session, "What is that?", images=[PNG], model="eyes")
    lie = NewMessage(role="user", content="x", metadata_info={"pictures": 10**9})
    await bench.services.sessions.add(EVERYBODY, session, lie)
    async with talker.client.get(f"{SESSIONS}/{session}/export?format=json") as answer:
        messages = (await answer.json())["messages"]
    kept = messages[0]["pictures"]
    assert [one["kind"] for one in kept] == ["image/png"]
    assert PNG.endswith(kept[0]["data"])
    assert base64.b64decode(kept[0]["data"]).startswith(b"\x89PNG")
    assert "pictures" not in messages[1]
    assert "pictures" not in messages[2]


async def test_an_empty_conversation_is_a_file_too(talker: Talker) -> None:
    session = await talker.begin()
    async with talker.client.get(f"{SESSIONS}/{session}/export?format=json") as answer:
        assert (await answer.json())["messages"] == []
        assert f'filename="{session}.json"' in answer.headers["Content-Disposition"]
    await talker.refused("GET", f"{SESSIONS}/{session}/export?format=pdf")
