from __future__ import annotations

import pytest

from llmd.config.sharing import LimitSettings
from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.events import Accepted
from llmd.protocol.questions import Detokenize, Embed, Question, Render, Rerank, Score, Tokenize
from llmd.protocol.requests import (
    ChatPrompt,
    GenerateRequest,
    InfillPrompt,
    Prompt,
    TextPrompt,
    TokenPrompt,
)
from llmd.services.lengths import Lengths, characters
from tests.unit.services.conftest import Bench

TEN = "0123456789"
CHAT = ChatPrompt([{"role": "u", "content": [{"type": "text", "text": TEN}]}])


@pytest.mark.parametrize(
    "asked",
    [
        CHAT,
        TextPrompt(TEN),
        InfillPrompt(TEN[:5], TEN[5:]),
        Embed(["a", TEN]),
        Rerank("0", ["a", TEN[1:]]),
        Score(TextPrompt(TEN)),
        Tokenize(TEN),
        Render(CHAT),
    ],
)
def test_texts_of_every_kind_are_measured(asked: Prompt | Question) -> None:
    Lengths(LimitSettings(prompt_characters=20)).check([asked])
    with pytest.raises(InvalidRequest, match="at most 9") as caught:
        Lengths(LimitSettings(prompt_characters=9)).check([TextPrompt("a"), asked])
    assert caught.value.details["available"] == 9
    Lengths().check([asked])


@pytest.mark.parametrize(
    "asked",
    [TokenPrompt([1] * 10), Embed([[1] * 10]), Detokenize([1] * 10), Score(TokenPrompt([1] * 10))],
)
def test_tokens_are_counted_where_they_come(asked: Prompt | Question) -> None:
    lengths = Lengths(LimitSettings(prompt_tokens=9))
    if isinstance(asked, Score):
        lengths.check([asked])  # known when it was read only; the context bounds it
        return
    with pytest.raises(ContextOverflow, match="10 tokens"):
        lengths.check([asked])


def test_a_prompt_is_judged_once_it_is_tokenised() -> None:
    lengths = Lengths(LimitSettings(prompt_tokens=9))
    lengths.accepted(Accepted(9))
    with pytest.raises(ContextOverflow) as caught:
        lengths.accepted(Accepted(10))
    assert (caught.value.details["needed"], caught.value.details["available"]) == (10, 9)


def test_characters_are_not_bytes() -> None:
    assert characters([{"a": "春天", "b": [1, None, "诗"]}]) == 3


async def test_a_long_prompt_is_refused_before_it_is_read(bench: Bench) -> None:
    generation = bench.services.generation
    generation._lengths = Lengths(LimitSettings(prompt_tokens=2))
    request = GenerateRequest(prompt=TextPrompt("one two three"))
    with pytest.raises(ContextOverflow):
        async for _ in generation.stream(generation.resolve(None), [request]):
            pass
    assert bench.starts.workers[0].running == 0
    assert bench.gate.inside == 0
    await bench.pool.close()
