from __future__ import annotations

import pytest

from llmd.chat.template import ChatTemplate
from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.requests import (
    ChatPrompt,
    EmbedRequest,
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
    assert made.inputs(EmbedRequest(["ab", [7]]), 10) == [[0, 97, 98], [7]]
    with pytest.raises(ContextOverflow) as caught:
        made.inputs(EmbedRequest(["ab", "c" * 20]), 10)
    assert caught.value.param == "input[1]"
    assert caught.value.details == {"needed": 21, "available": 10}
    assert made.inputs(EmbedRequest([list(range(20))], truncate=True), 10) == [[*range(9), 19]]
    with pytest.raises(InvalidRequest):
        made.inputs(EmbedRequest([[]]), 10)
