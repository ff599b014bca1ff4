from __future__ import annotations

from typing import Any

import msgspec
import pytest

from llmd.protocol.models import Kind, LoadedModel, ModelState
from llmd.protocol.reports import RequestReport, RequestState
from llmd.protocol.requests import Lane
from llmd.tui.chat.turns import Turn, TurnState
from llmd.tui.chat.wording import excerpt, heading, result, waiting
from tests.fakes.chat_daemon import USAGE

REPORT = RequestReport(
    id=1,
    trace="t",
    model="m",
    client="",
    lane=Lane.INTERACTIVE,
    state=RequestState.PREPARING,
    reason="",
    position=None,
    estimated_wait=None,
    queued=0,
    first_token=None,
    arrived=0,
    age=0,
    prompt_tokens=4000,
    read_tokens=1000,
    cached_tokens=0,
    cache_miss=None,
    missed="",
    generated_tokens=0,
    tokens_per_second=41.26,
    drafted_tokens=0,
    accepted_tokens=0,
    draft_acceptance=None,
)


def answer(state: TurnState = TurnState.DONE, **fields: Any) -> Turn:
    return Turn("assistant", "text", state=state, **fields)


def test_an_answer_tells_how_quick_it_was() -> None:
    turn = answer(usage=USAGE["usage"], first_token=0.354, model="m")
    assert result(turn) == ("312 tokens · 39.0 t/s · first after 354 ms · prompt 1.3k, 92% cached")
    assert heading(turn) == "m"
    assert result(answer()) == ""


def test_an_answer_tells_how_it_ended_unless_it_ended_well() -> None:
    assert result(answer(TurnState.STOPPED)) == "stopped"
    assert result(answer(TurnState.BROKEN)) == "broke off"
    assert result(answer(finish_reason="length")).startswith("cut")
    assert "12 tokens of the oldest" in result(answer(usage={"dropped_tokens": 12}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "waiting"),
        (
            {"state": "queued", "position": 2, "estimated_wait": 5.2},
            "2 ahead in the line, about 5s",
        ),
        ({"state": "queued", "position": 0, "estimated_wait": 0.1}, "next in the line"),
        ({"state": "reading"}, "reading 4.0k tokens 25%"),
        ({"state": "writing"}, "writing, 41.3 t/s"),
        ({"state": "writing", "tokens_per_second": None}, "writing"),
    ],
)
def test_waiting_says_why(changes: dict[str, Any], words: str) -> None:
    report = msgspec.structs.replace(
        REPORT, **{**changes, "state": RequestState(changes.get("state", "preparing"))}
    )
    assert waiting(report, [], "m", 0.5) == words
    assert waiting(report, [], "m", 75) == f"{words} · 1m15"
    assert waiting(None, [], "m", 0) == "waiting"


def test_a_model_that_loads_is_named() -> None:
    model = LoadedModel(name="m", state=ModelState.LOADING, kind=Kind.CHAT, pid=1, progress=0.42)
    assert waiting(REPORT, [model], "m", 0) == "loading m 42%"
    assert waiting(REPORT, [model], "other", 0) == "waiting"
    model = msgspec.structs.replace(model, state=ModelState.WAITING)
    assert waiting(None, [model], "m", 0) == "waiting for memory to load m"


def test_headings_name_who_says_it() -> None:
    assert [heading(Turn(role)) for role in ("user", "assistant", "tool", "system")] == [
        "You",
        "Answer",
        "Result of the tool",
        "System",
    ]


def test_an_excerpt_is_one_line() -> None:
    assert excerpt("a\n b\t c") == "a b c"
    assert excerpt("x" * 100, 10) == "x" * 9 + "…"
