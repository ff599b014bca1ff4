from __future__ import annotations

from urllib.parse import quote

import msgspec
import pytest

from llmd.protocol.callers import EVERYTHING, Caller, Role
from llmd.protocol.sessions import NewMessage
from tests.fakes.talkers import SESSIONS, Talker
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench

EVERYBODY = Caller(scopes=EVERYTHING)
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def talker(connect: Connect) -> Talker:
    return Talker(await connect(tcp=True))


async def fill(bench: Bench, session: str, total: int) -> list[str]:
    new = [
        NewMessage(role=("user", "assistant")[number % 2], content=f"{number}")
        for number in range(total)
    ]
    return [one.id for one in await bench.services.sessions.add_many(EVERYBODY, session, new)]


async def test_sessions_are_made_named_listed_and_deleted(talker: Talker) -> None:
    made = await talker.call("POST", SESSIONS, {"title": "旅行", "model": "llmd-tiny"})
    assert (made["title"], made["model"], made["running"]) == ("旅行", "llmd-tiny", False)
    other = await talker.begin()
    path = f"{SESSIONS}/{made['id']}"
    renamed = await talker.call("POST", path, {"title": "<b>Trip</b>"})
    assert (renamed["title"], renamed["model"]) == ("<b>Trip</b>", "llmd-tiny")
    assert renamed["updated_at"] >= made["updated_at"]
    listed = await talker.call("GET", SESSIONS)
    assert [one["id"] for one in listed["sessions"]] == [made["id"], other]
    assert not listed["more"]
    await talker.call("DELETE", path, status=204)
    listed = await talker.call("GET", SESSIONS)
    assert [one["id"] for one in listed["sessions"]] == [other]
    for method, body in (("GET", None), ("DELETE", None), ("POST", {"title": "x"})):
        await talker.refused(method, path, body, 404)


async def test_lists_are_read_in_pages_and_searched(talker: Talker, bench: Bench) -> None:
    ids = [await talker.begin(f"number {number}") for number in range(5)][::-1]
    page = await talker.call("GET", f"{SESSIONS}?limit=2&skip=1")
    assert [one["id"] for one in page["sessions"]] == ids[1:3]
    assert page["more"]
    page = await talker.call("GET", f"{SESSIONS}?limit=2&skip=3")
    assert ([one["id"] for one in page["sessions"]], page["more"]) == (ids[3:], False)
    said = NewMessage(role="user", content="50% 的 rabbits")
    await bench.services.sessions.add(EVERYBODY, ids[4], said)
    for words, found in (
        ("rabbit", ids[4:]),
        ("number 2", ids[2:3]),
        ("50% 的", ids[4:]),
        ("%", ids[4:]),
    ):
        page = await talker.call("GET", f"{SESSIONS}?words={quote(words)}")
        assert [one["id"] for one in page["sessions"]] == found
    for wrong in ("limit=0", "limit=1000", "skip=-1", "limit=x"):
        await talker.refused("GET", f"{SESSIONS}?{wrong}")


async def test_a_session_is_shown_from_its_end(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    ids = await fill(bench, session, 130)
    last = await talker.show(session)
    assert [one["id"] for one in last["messages"]] == ids[-60:]
    assert (last["more"], last["turn"]) == (True, None)
    older = await talker.show(session, f"?before={ids[-60]}&limit=100")
    assert [one["id"] for one in older["messages"]] == ids[:70]
    assert not older["more"]
    await talker.refused("GET", f"{SESSIONS}/{session}?before={NOWHERE}", status=404)
    await talker.refused("GET", f"{SESSIONS}/nonsense", status=404)


async def test_a_branch_is_a_session_of_its_own(talker: Talker, bench: Bench) -> None:
    session = await talker.begin("Trip")
    ids = await fill(bench, session, 4)
    made = await talker.call("POST", f"{SESSIONS}/{session}/branch", {"before": ids[2]})
    assert made["title"] == "Trip"
    shown = await talker.show(made["id"])
    assert [one["content"] for one in shown["messages"]] == ["0", "1"]
    assert len((await talker.show(session))["messages"]) == 4
    done = await talker.answer(made["id"], "other words")
    assert done.facts["message"]["content"] == "otherwords"
    await talker.refused("POST", f"{SESSIONS}/{session}/branch", {"before": NOWHERE}, 404)
    await talker.refused("POST", f"{SESSIONS}/{session}/branch", {})


@pytest.mark.parametrize("held", [0, -1, 10**9, "2", None, [1]])
async def test_what_metadata_says_of_pictures_is_not_believed(
    talker: Talker, bench: Bench, held: object
) -> None:
    session = await talker.begin()
    said = NewMessage(role="user", content="x", metadata_info={"pictures": held})
    message = await bench.services.sessions.add(EVERYBODY, session, said)
    assert (await talker.show(session))["messages"][0]["images"] == []
    for place in ("0", "-1", "²", "99999999999", "x"):
        path = f"{SESSIONS}/{session}/messages/{message.id}/images/{place}"
        await talker.refused("GET", path, status=404)


async def test_admins_see_their_own_sessions_only(arrive: Arrive) -> None:
    village = await arrive()
    await village.log_in("ann")
    ann = Talker(village.client)
    session = await ann.begin("private")
    await ann.answer(session, "a")
    await village.send("/logout", await ann.stamp("/"))
    await village.log_in("root", Role.ADMIN)
    root = Talker(village.client)
    own = await root.begin("mine")
    listed = await root.call("GET", SESSIONS)
    assert [one["id"] for one in listed["sessions"]] == [own]
    path = f"{SESSIONS}/{session}"
    for method, where, body in (
        ("GET", path, None),
        ("POST", path, {"title": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/branch", {"before": NOWHERE}),
        ("GET", f"{path}/export", None),
        ("GET", f"{path}/messages/{NOWHERE}/images/0", None),
    ):
        await root.refused(method, where, body, 404)


async def test_models_that_answer_are_listed(talker: Talker, bench: Bench) -> None:
    bench.store.copy("llmd-tiny", "eyes")
    bench.store.change("eyes", lambda model: msgspec.structs.replace(model, vision=True))
    await talker.answer(await talker.begin(), "a", model="llmd-tiny")
    found = await talker.call("GET", "/web/chat/models")
    models = {one["name"]: one for one in found["models"]}
    assert set(models) == {"llmd-tiny", "eyes"}
    assert (models["eyes"]["vision"], models["eyes"]["loaded"]) == (True, False)
    assert (models["llmd-tiny"]["vision"], models["llmd-tiny"]["loaded"]) == (False, True)
    assert models[found["default"]]["default"]
    assert [one["default"] for one in found["models"]].count(True) == 1
    assert models["llmd-tiny"]["context_length"] > 0
    assert models["llmd-tiny"]["size"] > 0


async def test_a_title_that_is_too_long_is_refused(talker: Talker) -> None:
    error = await talker.refused("POST", SESSIONS, {"title": "x" * 1001})
    assert error["param"] == "title"


async def test_calls_need_the_stamp_of_the_page(talker: Talker) -> None:
    async with talker.client.post(SESSIONS, json={}) as answer:
        assert answer.status == 403
        assert (await answer.json())["error"]["code"] == "stale_page"
