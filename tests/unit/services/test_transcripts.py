from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from llmd.protocol.callers import Caller
from llmd.protocol.events import CallDelta, Delta
from llmd.protocol.questions import Embed
from llmd.protocol.requests import ChatPrompt, GenerateRequest, TextPrompt
from llmd.services.requests import Requests
from llmd.services.transcripts import Transcript, note
from llmd.telemetry.metrics import Metrics


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as found:
        yield found


def test_prompt_and_answer_are_logged(lines: list[Any]) -> None:
    transcript = Transcript("m", TextPrompt("春天"))
    transcript.take(Delta("", 1, reasoning="Hm. "))
    transcript.take(Delta("Yes", 1, calls=[CallDelta(0, "1", "f", "{}")]))
    transcript.end()
    assert [(line["event"], line["text"]) for line in lines] == [
        ("prompt", "春天"),
        ("answer", "Hm. Yes{}"),
    ]


def test_texts_are_cut(lines: list[Any]) -> None:
    transcript = Transcript("m", TextPrompt("x" * 1_000_000))
    for _ in range(100):
        transcript.take(Delta("y" * 1000, 1))
    transcript.end()
    assert [len(line["text"]) for line in lines] == [10_000, 10_000]
    assert lines[0]["cut"] == 1_000_000


def test_messages_and_inputs_are_logged(lines: list[Any]) -> None:
    note("m", ChatPrompt([{"role": "user", "content": "Hello"}], media=[b"picture"]))
    note("m", Embed(["one", [1, 2]]))
    assert "Hello" in lines[0]["text"]
    assert "picture" not in lines[0]["text"]
    assert "one" in lines[1]["text"]


@pytest.mark.parametrize("wanted", [True, False])
def test_nothing_is_logged_unless_it_is_wanted(lines: list[Any], wanted: bool) -> None:
    requests = Requests(Metrics(), transcribe=wanted)
    asked = GenerateRequest(prompt=TextPrompt("a secret"))
    with requests.follow("m", asked, Caller()) as follow:
        follow(Delta("another secret", 1))
    requests.asking("m", Embed(["a secret"]))
    assert any("secret" in str(line) for line in lines) is wanted
