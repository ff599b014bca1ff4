from __future__ import annotations

import pytest

from llmd.cli.answer import Answer, speed, statistics, written
from tests.fakes.daemon import USAGE


def test_gathers_chat_chunks() -> None:
    answer = Answer()
    assert (
        answer.take({"model": "m", "choices": [{"delta": {"role": "assistant", "content": ""}}]})
        == ""
    )
    assert answer.take({"model": "m", "choices": [{"delta": {"content": "Hel"}}]}) == "Hel"
    assert answer.take({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": None}) == ""
    assert answer.take({"choices": [], "usage": {"completion_tokens": 1}}) == ""
    assert answer.as_dict() == {
        "text": "Hel",
        "model": "m",
        "finish_reason": "stop",
        "usage": {"completion_tokens": 1},
    }


def test_gathers_chunks_of_plain_completions() -> None:
    answer = Answer()
    assert answer.take({"model": "m", "choices": [{"text": " a time"}]}) == " a time"


def test_an_answer_that_was_cut_says_so() -> None:
    assert list(Answer(finish_reason="stop").notices()) == []
    assert "max-tokens" in next(Answer(finish_reason="length").notices())
    assert next(Answer(usage={"dropped_tokens": 7}).notices()).startswith(
        "7 tokens of the prompt were dropped"
    )


def test_speed_counts_decoding_alone() -> None:
    assert speed(USAGE) == "8 tokens, 20.0 tok/s"
    assert speed({"completion_tokens": 1}) == "1 token"
    assert speed({}) == ""


def test_statistics_show_all_figures() -> None:
    expected = "prompt 15 tokens (4 cached); answer 8 tokens, 20.0 tok/s; queue 0.00 s, prefill 0.10 s, decode 0.40 s"
    assert statistics(USAGE) == expected
    assert statistics({}) == "prompt 0 tokens; answer empty"


def test_reasoning_is_kept_apart_and_told_when_there_was_any() -> None:
    answer = Answer()
    assert answer.take({"choices": [{"delta": {"reasoning_content": "Hm"}}]}) == ""
    assert answer.thought == "Hm"
    assert answer.take({"choices": [{"delta": {"content": "Hi"}}]}) == "Hi"
    assert (answer.thought, answer.as_dict()["reasoning"], answer.text) == ("", "Hm", "Hi")


@pytest.mark.parametrize(
    ("terminal", "shown"),
    [(True, "a]52;c;aGk=b[2Jcd\te\n"), (False, "a\x1b]52;c;aGk=\x07b\x1b[2Jc\rd\te\n")],
)
def test_a_terminal_gets_no_escape_sequences_and_a_pipe_gets_all(
    terminal: bool,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    written("a\x1b]52;c;aGk=\x07b\x1b[2Jc\rd\te\n")
    assert capsys.readouterr().out == shown
