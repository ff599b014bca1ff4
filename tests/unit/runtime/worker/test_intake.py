from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from llmd.chat.template import ChatTemplate
from llmd.engine.media_cache import Encoded
from llmd.engine.media_span import MediaSpan
from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.questions import Embed
from llmd.protocol.requests import (
    ChatPrompt,
    GenerateRequest,
    Overflow,
    Prompt,
    TextPrompt,
    TokenPrompt,
)
from llmd.runtime.worker.intake import Intake, Prepared

TEMPLATE = "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}\n{% endfor %}"


class Characters:
    """A tokenizer of one token a character; token 0 is BOS."""

    size = 1 << 20
    bos = 0
    adds_bos = False
    infill = (-1, -1, -1)

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        return ([0] if add_special else []) + [ord(character) for character in text]


def intake(context_length: int = 40) -> Intake:
    return Intake(Characters(), ChatTemplate(TEMPLATE, bos="", eos=""), context_length)


def ask(prompt: Prompt, overflow: Overflow = Overflow.ERROR, context_length: int = 40) -> Prepared:
    return intake(context_length).prompt(GenerateRequest(prompt=prompt, overflow=overflow))


def text(prepared: Prepared) -> str:
    return "".join(map(chr, prepared.tokens))


def conversation(*turns: tuple[str, str]) -> ChatPrompt:
    return ChatPrompt([{"role": role, "content": content} for role, content in turns])


def test_text_gets_the_special_tokens_and_tokens_stay_as_they_are() -> None:
    assert ask(TextPrompt("ab")).tokens == [0, 97, 98]
    assert ask(TokenPrompt([5, 6])).tokens == [5, 6]


def test_a_prompt_may_fill_the_context_exactly() -> None:
    assert len(ask(TokenPrompt([1] * 40)).tokens) == 40
    with pytest.raises(ContextOverflow) as caught:
        ask(TokenPrompt([1] * 41))
    assert caught.value.details == {"needed": 41, "available": 40}


def test_truncating_text_keeps_the_first_token_and_the_end() -> None:
    prepared = ask(TokenPrompt(list(range(100))), Overflow.TRUNCATE)
    assert prepared.tokens == [0, *range(81, 100)]
    assert prepared.dropped == 80


def test_bos_is_added_once_where_the_model_wants_it() -> None:
    vocab = Characters()
    vocab.adds_bos = True
    for source in (TEMPLATE, "\0" + TEMPLATE):
        made = Intake(vocab, ChatTemplate(source, bos="", eos=""), 40)
        tokens = made.prompt(GenerateRequest(prompt=conversation(("user", "x")))).tokens
        assert tokens == [0, *map(ord, "u:x\n")]


def test_the_oldest_messages_go_first_and_the_system_message_stays() -> None:
    prompt = conversation(
        ("system", "sys"),
        ("user", "a" * 9),
        ("assistant", "b" * 9),
        ("user", "c" * 4),
        ("assistant", "d"),
        ("user", "e"),
    )
    prepared = ask(prompt, Overflow.TRUNCATE)
    assert text(prepared) == "s:sys\nu:cccc\na:d\nu:e\n"
    assert prepared.dropped == 2 * len("u:aaaaaaaaa\n")


def test_a_dropped_question_takes_its_answer_along() -> None:
    prompt = conversation(("user", "a" * 30), ("assistant", "bbb"), ("tool", "ttt"), ("user", "c"))
    assert text(ask(prompt, Overflow.TRUNCATE)) == "u:c\n"


def test_an_answer_that_goes_on_keeps_its_question() -> None:
    prompt = conversation(("user", "a" * 30), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    prepared = ask(prompt, Overflow.TRUNCATE)
    assert text(prepared) == "u:c\na:d"
    assert prepared.rendering.continues


def test_the_last_message_is_never_cut() -> None:
    with pytest.raises(ContextOverflow):
        ask(conversation(("user", "a"), ("user", "b" * 50)), Overflow.TRUNCATE)


def test_messages_that_do_not_fit_are_refused_by_default() -> None:
    with pytest.raises(ContextOverflow) as caught:
        ask(conversation(("user", "a" * 50)))
    assert caught.value.param == "messages"
    assert caught.value.details["needed"] == 53


def test_template_arguments_reach_the_template() -> None:
    made = Intake(Characters(), ChatTemplate("{{ enable_thinking }}", bos="", eos=""), 40)
    prompt = ChatPrompt([{"role": "user", "content": "x"}], [], {"enable_thinking": True})
    assert text(made.prompt(GenerateRequest(prompt=prompt))) == "True"


def test_empty_and_foreign_tokens_are_refused() -> None:
    for prompt in (TokenPrompt([]), TokenPrompt([-1]), TokenPrompt([1 << 20])):
        with pytest.raises(InvalidRequest):
            ask(prompt)


def test_inputs_to_embed_are_refused_or_cut_by_name() -> None:
    made = intake()
    assert made.inputs(Embed(["ab", [7]]), 10) == [[0, 97, 98], [7]]
    with pytest.raises(ContextOverflow) as caught:
        made.inputs(Embed(["ab", "c" * 20]), 10)
    assert caught.value.param == "input[1]"
    assert caught.value.details == {"needed": 21, "available": 10}
    assert made.inputs(Embed([list(range(20))], truncate=True), 10) == [[*range(9), 19]]
    with pytest.raises(InvalidRequest):
        made.inputs(Embed([[]]), 10)


class FakeMedia:
    """Makes two tokens below zero, and a cell more, of each medium."""

    def tokenize(self, parts: list[str | Encoded]) -> tuple[list[int], list[MediaSpan]]:
        tokens: list[int] = []
        spans: list[MediaSpan] = []
        for part in parts:
            if isinstance(part, str):
                tokens += map(ord, part)
            else:
                patch: Any = SimpleNamespace(count=3, positions=2)
                spans.append(MediaSpan(len(tokens), patch, part.embeddings[0]))
                tokens += [-part.digest[0], -100]
        return tokens, spans


def shown(*names: int) -> list[Encoded]:
    return [Encoded(bytes([name]), 8, 8, (np.zeros((3, 1), np.float32),)) for name in names]


def illustrated(*turns: tuple[str, str, int]) -> ChatPrompt:
    """Return messages of a role, a text, and a picture by its index."""
    return ChatPrompt(
        [
            {
                "role": role,
                "content": [{"type": "text", "text": text}, {"type": "image", "media": index}],
            }
            for role, text, index in turns
        ],
        media=[b"x"] * len(turns),
    )


def ask_with_media(
    prompt: ChatPrompt, template: str = TEMPLATE, *, adds_bos: bool = False, **fields: Any
) -> Prepared:
    vocab, media = Characters(), FakeMedia()
    vocab.adds_bos = adds_bos
    made = Intake(vocab, ChatTemplate(template, bos="", eos=""), 40, media)
    return made.prompt(GenerateRequest(prompt=prompt, **fields), shown(1, 2, 3))


def test_media_stand_where_their_messages_are() -> None:
    prepared = ask_with_media(illustrated(("user", "ab", 0), ("user", "c", 1)))
    assert prepared.tokens == [*map(ord, "u:ab"), -1, -100, *map(ord, "\nu:c"), -2, -100, 10]
    assert [span.start for span in prepared.media] == [4, 10]
    assert prepared.size == len(prepared.tokens) + 2
    assert prepared.rendering.text == "u:ab\nu:c\n"


def test_media_move_when_bos_comes_before_them() -> None:
    prepared = ask_with_media(illustrated(("user", "ab", 0)), adds_bos=True)
    assert prepared.tokens[:6] == [0, *map(ord, "u:ab"), -1]
    assert [span.start for span in prepared.media] == [5]


def test_media_of_dropped_messages_go_with_them() -> None:
    turns = [("user", "a" * 12, 0), ("assistant", "b" * 12, 1), ("user", "c", 2)]
    with pytest.raises(ContextOverflow):
        ask_with_media(illustrated(*turns))
    prepared = ask_with_media(illustrated(*turns), overflow=Overflow.TRUNCATE)
    assert [token for token in prepared.tokens if token < 0] == [-3, -100]
    assert prepared.dropped == 36


@pytest.mark.parametrize(
    ("template", "reason"),
    [("{{ messages[0].content }}", "ends the prompt"), ("nothing", "leaves out")],
)
def test_templates_that_misplace_media_are_found_out(template: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        ask_with_media(illustrated(("user", "ab", 0)), template)


def test_a_rendered_conversation_shows_markers() -> None:
    text, tokens = intake().render(illustrated(("user", "ab", 0)))
    assert text == "u:ab<__media__>\n"
    assert len(tokens) == len(text)
