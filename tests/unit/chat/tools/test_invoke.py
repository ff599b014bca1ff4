from __future__ import annotations

import pytest

from llmd.chat.tools.invoke import parameter_sections
from llmd.chat.tools.offer import Offer, Tool
from tests.unit.chat.tools.conftest import accepts, calls_of, read, schema, spelling

PLAIN = parameter_sections("calls")
TYPED = parameter_sections("!calls", prefix="!", typed=True, tokens=("!",), before="\n\n")
OFFER = Offer((Tool("f", schema(["a"], a="string", b="integer")),))
TEXT = (
    '<calls>\n<invoke name="f">\n<parameter name="a">x</parameter>\n'
    '<parameter name="b">1</parameter>\n</invoke>\n</calls>'
)
SAID = [("f", {"a": "x", "b": 1})]


def typed(text: str) -> str:
    for tag in ("calls", "invoke", "parameter"):
        text = text.replace(f"<{tag}", f"<!{tag}").replace(f"</{tag}", f"</!{tag}")
    return text.replace('"a"', '"a" string="true"').replace('"b"', '"b" string="false"')


def test_a_family_has_a_prefix_and_may_say_what_values_are() -> None:
    assert calls_of(PLAIN.format("plain"), TEXT, offer=OFFER) == SAID
    assert calls_of(TYPED.format("typed"), typed(TEXT), offer=OFFER) == SAID
    assert read(TYPED.format("typed"), TEXT, offer=OFFER).text == TEXT


def test_grammars_write_what_is_read() -> None:
    assert accepts(PLAIN.grammar(OFFER, spelling([]), parallel=False), TEXT)
    for tokens in ([], ["!"]):
        grammar = TYPED.grammar(OFFER, spelling(tokens), parallel=False)
        assert accepts(grammar, typed(TEXT), tokens)
        assert not accepts(grammar, typed(TEXT).replace("true", "false"), tokens)


@pytest.mark.parametrize("text", ["a\n\n", "a\n\n<!calls>", "a\n\n<!calls>\n<!invoke>"])
def test_what_stands_before_no_section_is_kept(text: str) -> None:
    assert read(TYPED.format("typed"), text, offer=OFFER).text == text
