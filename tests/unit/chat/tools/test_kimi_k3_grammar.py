from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.tools.kimi_k3 import FORMAT
from llmd.chat.tools.kimi_k3_grammar import grammar
from llmd.chat.tools.offer import Offer, Tool
from tests.unit.chat.tools.conftest import read, schema, spelling, written

MARKERS = ["<|open|>", "<|close|>", "<|sep|>"]


def texts(parameters: dict[str, Any], name: str = "f", **wishes: Any) -> set[str]:
    offer = Offer((Tool(name, parameters),))
    made = grammar(offer, spelling(MARKERS), parallel=False, **wishes)
    found = {text for seed in range(30) if (text := written(made, MARKERS, seed))}
    assert found
    for text in found:
        ((called, _),) = read(FORMAT, text, offer=offer).calls
        assert called == name
    return found


def test_every_argument_has_a_tag_of_its_type() -> None:
    properties = {"a": {"const": "x"}, "b": {"enum": [1]}, "c": {"type": "string"}}
    for text in texts({"properties": properties, "required": ["b"]}):
        assert 'key="b" type="number"<|sep|>1<|close|>argument' in text
        assert 'key="a"' not in text or 'key="a" type="string"<|sep|>x<|close|>argument' in text
        assert 'key="c"' not in text or 'key="c" type="string"<|sep|>' in text


@pytest.mark.parametrize(
    "parameters",
    [
        schema(["a"], a={"type": ["string", "null"]}),
        schema(["a"], a={"type": "string", "pattern": "^x$"}),
        schema(["<a>"], **{"<a>": "integer"}),
        {**schema(["a"], a="integer"), "minProperties": 1},
    ],
)
def test_what_tags_cannot_keep_to_is_one_json_object(parameters: dict[str, Any]) -> None:
    for text in texts(parameters):
        assert '<|open|>json type="object"<|sep|>{"' in text


def test_calls_can_stand_behind_what_ends_the_response() -> None:
    for text in texts({"properties": {}}, 'a"&b', behind="<|close|>response<|sep|>"):
        head = "<|close|>response<|sep|><|open|>tools<|sep|><|open|>call "
        assert text.startswith(f'{head}tool="a&quot;&amp;b" index="')
