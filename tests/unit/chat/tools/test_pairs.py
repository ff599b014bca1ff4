from __future__ import annotations

import pytest

from llmd.chat.scanning import Malformed
from llmd.chat.tools.offer import Tool
from llmd.chat.tools.pairs import PairTags
from tests.unit.chat.tools.conftest import scanner

TAGS = PairTags("<k>", "</k>", "<v>", "</v>", "</call>")
TOOL = Tool("f", {"properties": {"a b": {"type": "integer"}, "c": {"type": "string"}}})


def test_pairs_stand_on_lines_of_their_own() -> None:
    assert TAGS.style.before.format(name="city") == "<k>city</k>\n<v>"
    assert (TAGS.style.value_end, TAGS.style.after) == ("</v>", "\n")
    assert TAGS.style.tokens == TAGS.all == ("<k>", "</k>", "<v>", "</v>")


def test_values_are_what_the_schema_says() -> None:
    scan = scanner("<k> a b </k>\n<v>1</v><k>c</k><v>1</v>\n</call>")
    assert list(TAGS.parse(scan, TOOL)) == []
    assert "".join(one.arguments for one in scan.drain().calls) == '{"a b": 1, "c": "1"}'


@pytest.mark.parametrize("text", ["<k>c</k>1", "<k>c<v>", "other"])
def test_what_is_no_pair_is_no_call(text: str) -> None:
    scan = scanner(text)
    with pytest.raises(Malformed):
        list(TAGS.parse(scan, TOOL))
