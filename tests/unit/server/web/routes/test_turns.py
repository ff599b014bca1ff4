from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from llmd.config.settings import AuthMode
from llmd.config.sharing import LimitSettings
from llmd.errors import NoRoom
from llmd.protocol.callers import Role, Scope
from llmd.protocol.events import Queued, Reading
from llmd.protocol.requests import ChatPrompt
from llmd.services.limits import Limits
from tests.fakes.accounts import PASSWORD
from tests.fakes.talkers import PNG, SESSIONS, TURNS, Talker
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive
from tests.unit.services.conftest import Bench


@pytest.fixture
async def talker(connect: Connect) -> Talker:
    return Talker(await connect(tcp=True))


async def reached(found: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not found():
            await asyncio.sleep(0.005)


def asked(bench: Bench) -> list[object]:
    """What the model read last."""
    prompt = bench.starts.workers[-1].asked[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    return [(one["role"], one["content"]) for one in prompt.messages]


async def test_an_answer_is_told_as_it_comes_and_kept(talker: Talker) -> None:
    session = await talker.begin()
    turn = await talker.ask(session, "你 好")
    events = await talker.whole(turn)
    assert "".join(one.facts["text"] for one in events if one.kind == "text") == "你好"
    assert [one.facts["state"] for one in events if one.kind == "state"][-1] == "writing"
    done = events[-1]
    assert done.kind == "done"
    message, info = done.facts["message"], done.facts["message"]["info"]
    assert (message["role"], message["content"], message["tokens"]) == ("assistant", "你好", 2)
    assert (info["model"], info["finish_reason"], info["turn"]) == ("llmd-tiny", "stop", turn)
    assert info["usage"]["prompt_tokens"] == info["usage"]["completion_tokens"] == 2
    assert info["time_to_first_token"] >= 0
    shown = await talker.show(session)
    assert shown["messages"] == [done.facts["question"], message]
    assert shown["turn"] is None
    assert shown["session"]["title"] == "你 好"
    assert shown["session"]["model"] == "llmd-tiny"


async def test_it_goes_on_while_nobody_listens_and_who_comes_back_misses_nothing(
    talker: Talker, bench: Bench
) -> None:
    bench.starts.held = True
    session = await talker.begin()
    turn = await talker.ask(session, "a b c")
    await reached(lambda: bench.starts.workers)
    worker = bench.starts.workers[0]
    async with talker.hear(turn) as hearing:
        assert (await hearing.next() or ()) != ()
    shown = await talker.show(session)
    assert shown["turn"]["id"] == turn
    assert shown["turn"]["message"]["content"] == "a b c"
    assert shown["session"]["running"]
    assert (await talker.call("GET", SESSIONS))["sessions"][0]["running"]
    worker.go.set()
    async with talker.hear(turn) as hearing:
        first = await hearing.until("text")
    for header in (True, False):
        place = f"{first.id}"
        async with talker.hear(
            turn, last=place if header else "", after="0" if header else place
        ) as hearing:
            rest = await hearing.all()
        assert (
            first.facts["text"] + "".join(one.facts["text"] for one in rest if one.kind == "text")
            == "abc"
        )
        assert rest[-1].kind == "done"
    async with talker.client.get(f"{TURNS}/{turn}/events?after={rest[-1].id}") as over:
        assert over.status == 204
    async with talker.hear(turn, after="nonsense") as hearing:
        assert (await hearing.all())[-1] == rest[-1]


async def test_two_tabs_hear_the_same(talker: Talker, bench: Bench) -> None:
    bench.starts.held = True
    turn = await talker.ask(await talker.begin(), " ".join("abcdefgh"))
    heard = [asyncio.ensure_future(talker.whole(turn)) for _ in range(2)]
    await reached(lambda: bench.starts.workers)
    bench.starts.workers[0].go.set()
    for events in await asyncio.gather(*heard):
        assert "".join(one.facts["text"] for one in events if one.kind == "text") == "abcdefgh"


async def test_a_session_answers_one_question_at_a_time(talker: Talker, bench: Bench) -> None:
    bench.starts.held = True
    session = await talker.begin()
    order = talker.order("a")
    path = f"{SESSIONS}/{session}/turns"
    first = await talker.call("POST", path, order, 202)
    assert await talker.call("POST", path, order, 202) == first
    error = await talker.refused("POST", path, talker.order("b"), 409)
    assert error["code"] == "session_busy"
    await reached(lambda: bench.starts.workers)
    bench.starts.workers[0].go.set()
    await talker.whole(first["turn"])
    assert await talker.call("POST", path, order, 202) == first
    assert len((await talker.show(session))["messages"]) == 2


async def test_what_came_before_it_was_stopped_is_kept(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    await talker.answer(session, "warm")
    worker = bench.starts.workers[0]
    worker.news = [Queued(1, 2.5), Reading(1, 0)]
    turn = await talker.ask(session, " ".join("abc" for _ in range(2000)))
    async with talker.hear(turn) as hearing:
        await hearing.until("text")
        worker.hold()
        await talker.call("POST", f"{TURNS}/{turn}/stop", status=204)
        done = await hearing.until("done")
    info = done.facts["message"]["info"]
    assert (info["finish_reason"], info["partial"]) == ("cancelled", True)
    assert info["usage"]["prompt_tokens"] == 2000
    assert (await talker.show(session))["messages"][-1] == done.facts["message"]
    assert worker.running == 0


async def test_a_question_without_answer_stays_with_its_turn(talker: Talker, bench: Bench) -> None:
    bench.starts.poison = "die now"
    session = await talker.begin()
    turn = await talker.ask(session, "die now")
    failed = (await talker.whole(turn))[-1]
    assert failed.kind == "failed"
    assert not failed.facts["kept"]
    assert failed.facts["message"]
    shown = await talker.show(session)
    assert shown["messages"] == []
    assert shown["turn"] == {
        "id": turn,
        "again": False,
        "message": {
            "id": None,
            "role": "user",
            "content": "die now",
            "images": [],
            "info": {},
        },
    }
    assert (await talker.whole(turn))[-1] == failed
    await talker.call("POST", f"{TURNS}/{turn}/stop", status=204)
    assert (await talker.show(session))["turn"] is None


async def test_a_stop_before_the_first_word_keeps_nothing(talker: Talker, bench: Bench) -> None:
    bench.starts.held = True
    session = await talker.begin()
    turn = await talker.ask(session, "a")
    await talker.call("POST", f"{TURNS}/{turn}/stop", status=204)
    failed = (await talker.whole(turn))[-1]
    assert (failed.kind, failed.facts["code"]) == ("failed", "request_cancelled")
    assert not failed.facts["kept"]
    assert (await talker.show(session))["messages"] == []


async def test_a_worker_that_dies_leaves_what_it_said(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    await talker.answer(session, "warm")
    worker = bench.starts.workers[0]
    words = " ".join("abc" for _ in range(2000))
    turn = await talker.ask(session, words)
    async with talker.hear(turn) as hearing:
        await hearing.until("text")
        worker.die()
        failed = await hearing.until("failed")
    assert failed.facts["code"] == "worker_died"
    assert failed.facts["kept"]
    last = (await talker.show(session))["messages"][-1]
    assert last == failed.facts["answer"]
    assert last["info"]["partial"]
    assert last["content"].startswith("abc")
    assert failed.facts["question"]["content"] == words


async def test_a_full_disk_is_told_and_what_was_said_stays_with_the_turn(
    talker: Talker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await talker.begin()

    async def full(*_arguments: object) -> list[object]:
        raise NoRoom("The disk is full.")

    monkeypatch.setattr(bench.services.sessions, "add_many", full)
    turn = await talker.ask(session, "a b")
    events = await talker.whole(turn)
    assert (events[-1].kind, events[-1].facts["code"]) == ("failed", "no_room")
    assert not events[-1].facts["kept"]
    assert "".join(one.facts["text"] for one in events if one.kind == "text") == "ab"
    assert (await talker.show(session))["turn"]["message"]["content"] == "a b"


async def test_an_answer_is_given_again_in_its_place(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    await talker.answer(session, "a b")
    first = (await talker.show(session))["messages"]
    done = await talker.answer(session, again=True)
    assert asked(bench) == [("user", "a b")]
    second = await talker.answer(session, again=True, content="not heeded")
    shown = (await talker.show(session))["messages"]
    assert [one["role"] for one in shown] == ["user", "assistant"]
    assert shown[0] == first[0]
    versions = shown[1]["info"]["versions"]
    assert [one["content"] for one in versions] == ["ab", "ab"]
    assert versions[0]["created_at"] == first[1]["created_at"]
    assert versions[1]["created_at"] == done.facts["message"]["created_at"]
    assert (done.facts["question"], second.facts["message"]) == (None, shown[1])


async def test_there_is_nothing_to_answer_again_where_nothing_was_asked(talker: Talker) -> None:
    failed = await talker.answer(await talker.begin(), again=True)
    assert (failed.kind, failed.facts["code"]) == ("failed", "invalid_request")


async def test_the_old_answer_stays_where_the_new_one_fails(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    await talker.answer(session, "a b")
    bench.starts.workers[0].poison = "a b"
    bench.starts.poison = "a b"
    failed = await talker.answer(session, again=True)
    assert (failed.kind, failed.facts["kept"]) == ("failed", False)
    shown = await talker.show(session)
    assert [one["content"] for one in shown["messages"]] == ["a b", "ab"]
    assert shown["turn"]["again"]


async def test_parameters_are_heeded_and_stay_with_the_answer(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    wishes = {
        "temperature": 0.5,
        "max_tokens": 9,
        "seed": 3,
        "system": "Be brief.",
        "reasoning": False,
    }
    done = await talker.answer(session, "a", parameters=wishes)
    request = bench.starts.workers[0].asked[-1]
    assert (request.sampling.temperature, request.sampling.seed, request.max_tokens) == (0.5, 3, 9)
    assert isinstance(request.prompt, ChatPrompt)
    assert request.prompt.reasoning.enabled is False
    assert asked(bench) == [("system", "Be brief."), ("user", "a")]
    assert done.facts["message"]["info"]["parameters"] == wishes
    await talker.answer(session, "b")
    assert asked(bench)[0] == ("system", "Be brief.")
    await talker.answer(session, "c", parameters={"system": ""})
    assert asked(bench)[0] == ("user", "a")
    await talker.answer(session, "d", parameters={"system": "Be long."})
    assert asked(bench)[0] == ("system", "Be long.")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"parameters": {"temperature": -1}}, "parameters.temperature"),
        ({"parameters": {"tempperature": 1}}, "parameters"),
        ({"content": "  "}, "content"),
        ({"images": ["https://example.com/a.png"]}, "images[0]"),
        ({"images": ["data:image/svg+xml;base64,PHN2Zz4="]}, "images[0]"),
        ({"images": ["data:image/png;base64,!!!"]}, "images[0]"),
        ({"images": [PNG] * 17}, "images"),
        ({"images": [PNG]}, "images"),
        ({"request_id": ""}, "request_id"),
    ],
)
async def test_orders_that_cannot_be_are_refused_at_once(
    talker: Talker, body: dict[str, object], param: str
) -> None:
    path = f"{SESSIONS}/{await talker.begin()}/turns"
    error = await talker.refused("POST", path, talker.order(**({"content": "a"} | body)))  # type: ignore[arg-type]  # what is refused
    assert error["param"] == param


async def test_unknown_models_are_refused_at_once(talker: Talker) -> None:
    path = f"{SESSIONS}/{await talker.begin()}/turns"
    error = await talker.refused("POST", path, talker.order("a", model="nobody"), 404)
    assert error["code"] == "model_not_found"


async def test_pictures_are_kept_shown_and_seen_again(talker: Talker, bench: Bench) -> None:
    bench.store.copy("llmd-tiny", "eyes")
    bench.store.change("eyes", lambda model: msgspec.structs.replace(model, vision=True))
    session = await talker.begin()
    done = await talker.answer(session, "What is that?", images=[PNG, PNG], model="eyes")
    question = done.facts["question"]
    assert len(question["images"]) == 2
    async with talker.client.get(question["images"][1]) as picture:
        assert picture.content_type == "image/png"
        assert await picture.read() == b"\x89PNG\r\n\x1a\n\0\0\0\0"
        assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in picture.headers["Content-Security-Policy"]
    await talker.answer(session, "And now?", model="eyes")
    prompt = bench.starts.workers[-1].asked[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    assert len(prompt.media) == 2
    await talker.answer(session, "Without eyes?", model="llmd-tiny")
    prompt = bench.starts.workers[-1].asked[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    assert prompt.media == []
    assert prompt.messages[0]["content"] == "What is that?"
    # as many as a request may have, the newest ones
    await talker.answer(session, "Many?", images=[PNG] * 15, model="eyes")
    prompt = bench.starts.workers[-2].asked[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    assert len(prompt.media) == 16


async def test_turns_of_others_are_not_there(arrive: Arrive) -> None:
    village = await arrive()
    await village.log_in("ann")
    ann = Talker(village.client)
    session = await ann.begin()
    turn = await ann.ask(session, "a")
    await ann.whole(turn)
    await village.send("/logout", await ann.stamp("/"))
    await village.log_in("bob", Role.ADMIN)
    bob = Talker(village.client)
    for method, path in (
        ("GET", f"{TURNS}/{turn}/events"),
        ("POST", f"{TURNS}/{turn}/stop"),
        ("POST", f"{SESSIONS}/{session}/turns"),
    ):
        body = bob.order("a") if path.endswith("turns") else None
        assert (await bob.refused(method, path, body, 404))["code"] == "not_found"


async def test_a_login_that_ends_ends_its_answer_and_what_came_is_kept(arrive: Arrive) -> None:
    village = await arrive()
    await village.log_in("ann")
    ann, bench = Talker(village.client), village.guarded.bench
    session = await ann.begin()
    await ann.answer(session, "warm")
    worker = bench.starts.workers[0]
    turn = await ann.ask(session, " ".join("abc" for _ in range(2000)))
    async with ann.hear(turn) as hearing:
        await hearing.until("text")
        worker.hold()
        assert (await village.send("/logout", await ann.stamp("/"))).status == 303
        rest = await hearing.all()
    assert all(event.kind == "text" for event in rest)
    assert (await ann.client.get(f"{TURNS}/{turn}/events")).status == 401
    await reached(lambda: not bench.services.turns.runs(session))
    answer = await village.send("/login", name="ann", password=PASSWORD)
    assert answer.status == 303
    again = Talker(village.client)
    last = (await again.show(session))["messages"][-1]
    assert last["info"]["partial"]
    failed = (await again.whole(turn))[-1]
    assert (failed.kind, failed.facts["code"], failed.facts["kept"]) == (
        "failed",
        "unauthorized",
        True,
    )


async def test_limits_count_answers_of_the_page(
    bench: Bench, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    talker = Talker(await connect(tcp=True))
    limits = Limits(
        LimitSettings(address_concurrent=1, address_requests_per_minute=3), bench.services.metrics
    )
    for name in ("admit", "occupy"):
        monkeypatch.setattr(bench.services.limits, name, getattr(limits, name))
    bench.starts.held = True
    first, second = await talker.begin(), await talker.begin()
    turn = await talker.ask(first, "a")
    path = f"{SESSIONS}/{second}/turns"
    error = await talker.refused("POST", path, talker.order("b"), 429)
    assert error["retry_after"] >= 1
    await reached(lambda: bench.starts.workers)
    bench.starts.workers[0].go.set()
    await talker.whole(turn)
    await talker.ask(second, "b")
    await talker.refused("POST", path, talker.order("c"), 429)


async def test_who_may_not_generate_may_not_ask(arrive: Arrive) -> None:
    village = await arrive(AuthMode.KEYS)
    key = await village.guarded.bench.services.keys.create(
        scopes=(Scope.SESSIONS, Scope.MODELS_READ)
    )
    assert (await village.send("/login", key=key.secret)).status == 303
    talker = Talker(village.client)
    path = f"{SESSIONS}/{await talker.begin()}/turns"
    assert (await talker.refused("POST", path, talker.order("a"), 403))["code"] == "forbidden"


async def test_a_session_that_is_deleted_stops_its_answer(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    await talker.answer(session, "warm")
    bench.starts.workers[0].hold()
    turn = await talker.ask(session, "a b")
    hearing = asyncio.ensure_future(talker.whole(turn))
    await reached(lambda: bench.starts.workers[0].running)
    await talker.call("DELETE", f"{SESSIONS}/{session}", status=204)
    failed = (await hearing)[-1]
    assert (failed.kind, failed.facts["code"]) == ("failed", "not_found")
    assert bench.starts.workers[0].running == 0
    await talker.refused("GET", f"{SESSIONS}/{session}", status=404)
    await talker.refused("GET", f"{TURNS}/{turn}/events", status=404)


async def test_nothing_is_begun_while_the_daemon_drains(talker: Talker, bench: Bench) -> None:
    path = f"{SESSIONS}/{await talker.begin()}/turns"
    bench.gate.close()
    error = await talker.refused("POST", path, talker.order("a"), 503)
    assert (error["code"], error["retry_after"]) == ("draining", 5)


async def test_what_came_until_the_daemon_stopped_is_kept(talker: Talker, bench: Bench) -> None:
    session = await talker.begin()
    await talker.answer(session, "warm")
    turn = await talker.ask(session, " ".join("abc" for _ in range(2000)))
    async with talker.hear(turn) as hearing:
        await hearing.until("text")
        assert bench.gate.inside == 1
        await bench.services.turns.close()
        failed = await hearing.until("failed")
    assert (failed.facts["code"], failed.facts["kept"]) == ("draining", True)
    last = (await talker.show(session))["messages"][-1]
    assert last["info"]["partial"]
    assert last["content"].startswith("abc")
