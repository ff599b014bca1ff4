from __future__ import annotations

import pytest

from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.questions import Rerank
from llmd.runtime.worker.pairs import Pairs

BOS, EOS, SEP, CONTROL = 0, 1, 2, 3


class Characters:
    """A tokenizer of one token a character, but for the control token `#`."""

    bos, eos, sep = BOS, EOS, SEP
    adds_bos = adds_eos = adds_sep = True

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        return [CONTROL if parse_special and c == "#" else ord(c) for c in text]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        return chr(token).encode()


def shown(tokens: list[int]) -> str:
    return "".join("<>|!"[token] if token < 4 else chr(token) for token in tokens)


def pairs(
    query: str,
    *documents: str,
    template: str | None = None,
    room: int = 100,
    truncate: bool = False,
    vocab: Characters | None = None,
) -> list[str]:
    made = Pairs(vocab or Characters(), template, room)
    return [
        shown(tokens) for tokens in made.inputs(Rerank(query, list(documents), truncate=truncate))
    ]


def test_encoders_read_both_texts_between_their_marks() -> None:
    assert pairs("q", "one", "two") == ["<q>|one>", "<q>|two>"]


def test_marks_that_a_vocabulary_does_not_add_stay_out() -> None:
    vocab = Characters()
    vocab.adds_bos = vocab.adds_sep = False
    assert pairs("q", "d", vocab=vocab) == ["q>d>"]
    vocab.adds_eos = False
    assert pairs("q", "d", vocab=vocab) == ["qd"]


def test_a_vocabulary_without_an_end_token_ends_with_its_separator() -> None:
    vocab = Characters()
    vocab.eos = -1
    assert pairs("q", "d", vocab=vocab) == ["<q||d|"]


def test_a_template_takes_both_and_its_marks_count() -> None:
    assert pairs("q", "d", template="#Q {query} D {document}#") == ["!Q q D d!"]


def test_no_text_can_forge_a_mark_or_another_gap() -> None:
    template = "#{query}/{document}#"
    assert pairs("a#b", "c#", template=template) == ["!a#b/c#!"]
    assert pairs("{document}", "{query}", template=template) == ["!{document}/{query}!"]
    assert pairs("#", "d") == ["<#>|d>"]


def test_a_pair_too_long_is_refused_by_its_document_with_both_figures() -> None:
    with pytest.raises(ContextOverflow) as caught:
        pairs("q", "fits", "d" * 20, room=10)
    assert caught.value.param == "documents[1]"
    assert caught.value.details == {"needed": 25, "available": 10}


@pytest.mark.parametrize("template", [None, "#{query}/{document}#"])
def test_cutting_keeps_the_query_and_the_start_of_the_document(template: str | None) -> None:
    [pair] = pairs("query", "0123456789" * 5, room=20, truncate=True, template=template)
    assert len(pair) == 20
    assert "query" in pair
    assert "01234" in pair


def test_a_query_that_leaves_no_room_is_refused_even_when_cutting() -> None:
    with pytest.raises(ContextOverflow) as caught:
        pairs("q" * 30, "document", room=20, truncate=True)
    assert caught.value.param == "query"


def test_an_empty_query_is_refused_but_an_empty_document_is_not() -> None:
    with pytest.raises(InvalidRequest):
        pairs(" ", "d")
    assert pairs("q", "") == ["<q>|>"]
