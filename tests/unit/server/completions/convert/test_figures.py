from __future__ import annotations

from llmd.protocol import events
from llmd.protocol.sessions import SessionMessage
from llmd.server.completions.convert.answers import Choice
from llmd.server.completions.convert.figures import Clock, figures, said, versions


def choice(**usage: float) -> Choice:
    made = Choice()
    made.tokens = 11
    made.usage = events.Usage(**usage)  # type: ignore[arg-type]  # a test's shorthand
    return made


def message(role: str = "assistant", content: str = "old", **info: object) -> SessionMessage:
    return SessionMessage(
        id="1", session_id="2", role=role, content=content, created_at=3.0, metadata_info=info
    )


def test_a_complete_answer_is_measured_by_the_worker() -> None:
    measured = choice(prompt_tokens=7, cached_tokens=4, decode_seconds=2.0)
    told = figures(measured, events.Accepted(99), Clock(1, 3, 4))
    assert told["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 11,
        "cached_tokens": 4,
        "reasoning_tokens": 0,
        "dropped_tokens": 0,
    }
    assert (told["time_to_first_token"], told["tokens_per_second"]) == (2, 5.0)


def test_one_that_broke_off_is_measured_by_the_clock() -> None:
    accepted = events.Accepted(99, dropped_tokens=5)
    told = figures(choice(), accepted, Clock(asked=1.0, first=2.0, last=6.0))
    assert told["usage"]["prompt_tokens"] == 99
    assert told["usage"]["dropped_tokens"] == 5
    assert told["tokens_per_second"] == 2.5


def test_what_has_not_come_has_no_figures() -> None:
    assert set(figures(Choice(), events.Accepted(9), Clock(1.0, 0.0, 0.0))) == {"usage"}


def test_answers_that_were_replaced_stay_known_with_those_before_them() -> None:
    first = {"content": "oldest", "created_at": 1.0}
    old = message(model="m", versions=[first], reasoning="hm", parameters={"seed": 1}, turn="t")
    assert versions([message("tool"), old]) == [
        first,
        {"content": "old", "created_at": 3.0, "model": "m", "reasoning": "hm"},
    ]
    assert versions([message(versions="nonsense")]) == [{"content": "old", "created_at": 3.0}]
    assert versions([]) == []


def test_an_end_is_told_with_what_was_called_and_thought() -> None:
    made = choice()
    made.calls.take([events.CallDelta(0, "id", "weather", "{}")])
    made.reasoning = "hm"
    told = said(made, reasoning=True)
    assert (told["finish_reason"], told["partial"], told["reasoning"]) == ("cancelled", True, "hm")
    assert told["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}
    made.reason = "stop"
    assert set(said(made, reasoning=False)) == {"finish_reason", "tool_calls"}
