from __future__ import annotations

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.questions import Detokenize, Rendered, Tokenize, Tokens
from llmd.server.dialects.openai import schema
from llmd.server.dialects.openai.convert import tokens

FOUND = Tokens([7, 8], [b"a", b"\xe4"])


@pytest.mark.parametrize("name", ["content", "text", "prompt"])
def test_the_text_goes_by_three_names(name: str) -> None:
    assert tokens.tokenize(schema.TokenizeRequest(**{name: "x"})) == Tokenize("x")


def test_special_tokens_as_llama_server_has_them() -> None:
    asked = schema.TokenizeRequest(content="x", add_special=True, parse_special=False)
    assert tokens.tokenize(asked) == Tokenize("x", add_special=True, parse_special=False)


def test_no_text_is_refused_but_an_empty_one_is_not() -> None:
    assert tokens.tokenize(schema.TokenizeRequest(content="")) == Tokenize("")
    with pytest.raises(InvalidRequest) as caught:
        tokens.tokenize(schema.TokenizeRequest())
    assert caught.value.param == "content"


def test_ids_alone_or_with_what_they_stand_for() -> None:
    plain = msgspec.to_builtins(tokens.token_list(schema.TokenizeRequest(), FOUND))
    assert plain == {"tokens": [7, 8], "count": 2}
    pieces = tokens.token_list(schema.TokenizeRequest(with_pieces=True), FOUND)
    assert msgspec.to_builtins(pieces)["tokens"] == [
        {"id": 7, "piece": "a"},
        {"id": 8, "piece": [0xE4]},
    ]


def test_text_of_tokens_never_fails() -> None:
    assert tokens.detokenize(schema.DetokenizeRequest(tokens=[7])) == Detokenize([7])
    assert tokens.content(FOUND).content == "a\ufffd"


def test_a_rendered_prompt_with_its_size() -> None:
    assert msgspec.to_builtins(tokens.prompt(Rendered("p", 3))) == {"prompt": "p", "count": 3}
