from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.reasoning import THINK
from llmd.chat.tools.deepseek_dsml import V3_2, V4
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.offer import Offer, Tool
from tests.unit.chat.tools.conftest import accepts, calls_of, read, schema, spelling

SECTIONS = {V3_2.name: "function_calls", V4.name: "tool_calls"}
TOKEN = "｜DSML｜"
NUMBER = '<｜DSML｜parameter name="arg1" string="false">1</｜DSML｜parameter>\n'


def invoke(name: str, /, inside: str = "", **values: str) -> str:
    inside += "".join(
        f'<｜DSML｜parameter name="{key}" string="true">{value}</｜DSML｜parameter>\n'
        for key, value in values.items()
    )
    return f'<｜DSML｜invoke name="{name}">\n{inside}</｜DSML｜invoke>\n'


def section(form: CallFormat, *calls: str) -> str:
    name = SECTIONS[form.name]
    return f"<｜DSML｜{name}>\n{''.join(calls)}</｜DSML｜{name}>"


def parameter(key: str, value: str) -> str:
    return f'<｜DSML｜parameter name="{key}" string="false">{value}</｜DSML｜parameter>\n'


@pytest.mark.parametrize("form", [V3_2, V4], ids=lambda form: form.name)
def test_any_number_of_calls_stand_in_one_section(form: CallFormat) -> None:
    text = section(
        form,
        invoke("special_function", NUMBER),
        invoke("python", code="a <b>\n</parameter>"),
        invoke("empty_args", "\n"),
    )
    assert calls_of(form, text) == [
        ("special_function", {"arg1": 1}),
        ("python", {"code": "a <b>\n</parameter>"}),
        ("empty_args", {}),
    ]


@pytest.mark.parametrize(
    ("name", "key", "value", "said"),
    [
        ("magic_int", "ref", "-14", -14),
        ("amount", "orig", "3.14", 3.14),
        ("toggle", "enabled", "true", True),
        ("todo_list", "todos", '["buy milk","walk dog"]', ["buy milk", "walk dog"]),
        ("set_config", "config", '{"theme":"dark","level":2}', {"theme": "dark", "level": 2}),
        ("set_nullable_str", "name", "null", None),
        ("get_time", "city", '"Tokyo"', "Tokyo"),
        ("get_time", "city", "Tokyo", "Tokyo"),
    ],
)
def test_what_is_said_to_be_no_string_is_json(name: str, key: str, value: str, said: Any) -> None:
    text = section(V3_2, invoke(name, parameter(key, value)))
    assert calls_of(V3_2, text) == [(name, {key: said})]


def test_what_is_said_to_be_a_string_is_one_where_the_schema_takes_any() -> None:
    calls = [invoke("set_nullable_str", name="null"), invoke("special_function", arg1="1")]
    assert calls_of(V4, section(V4, *calls)) == [
        ("set_nullable_str", {"name": "null"}),
        ("special_function", {"arg1": 1}),
    ]


@pytest.mark.parametrize("before", ["</think>\n\n", "\n\n"])
@pytest.mark.parametrize("form", [V3_2, V4], ids=lambda form: form.name)
def test_calls_stand_behind_reasoning_or_end_it(form: CallFormat, before: str) -> None:
    text = f"Let me check{before}{section(form, invoke('get_time', city='Tokyo'))}"
    found = read(form, text, thinking=THINK, opened="<think>")
    assert (found.text, found.reasoning) == ("", "Let me check")
    assert found.calls == [("get_time", {"city": "Tokyo"})]


def test_the_empty_line_before_a_section_is_not_part_of_the_answer() -> None:
    text = f"Let me call it.\n\n{section(V4, invoke('special_function', NUMBER))}"
    found = read(V4, text)
    assert (found.text, found.calls) == ("Let me call it.", [("special_function", {"arg1": 1})])
    no_section = "One.\n\nTwo.\n\n"
    assert read(V4, no_section).text == no_section


@pytest.mark.parametrize(
    "text",
    [section(V3_2), section(V3_2, '<｜DSML｜invoke name="f">'), "<｜DSML｜function_calls>hi"],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert read(V3_2, f"a\n\n{text}").text == f"a\n\n{text}"


OPTIONAL = {"anyOf": [{"type": "string"}, {"type": "null"}]}


@pytest.mark.parametrize("tokens", [(), (TOKEN,)], ids=["text", "token"])
def test_texts_are_forced_whether_the_mark_is_a_token_or_not(tokens: tuple[str, ...]) -> None:
    offer = Offer((Tool("f", schema(["text", "note"], text="string", note=OPTIONAL)),))
    grammar = V3_2.grammar(offer, spelling(tokens), parallel=False)
    for written in ("a </b", "<｜DSM", ""):
        both = section(V3_2, invoke("f", text=written, note=written))
        assert accepts(grammar, both, tokens)
        assert calls_of(V3_2, both, offer=offer) == [("f", {"text": written, "note": written})]
    nothing = invoke("f", text="x").replace(
        "</｜DSML｜inv", f"{parameter('note', 'null')}</｜DSML｜inv"
    )
    assert accepts(grammar, section(V3_2, nothing), tokens)
    assert not accepts(grammar, section(V3_2, invoke("f", text="x")), tokens)


def test_letters_that_spell_the_mark_end_no_text() -> None:
    offer = Offer((Tool("f", schema(["a"], a="string")),))
    grammar = V4.grammar(offer, spelling([TOKEN]), parallel=False)
    text = section(V4, invoke("f", a="x"))
    assert accepts(grammar, text, [TOKEN])
    assert not accepts(grammar, "", [TOKEN], letters=text)
    # as a text, it would end for whoever reads the answer
    head, _, tail = text.partition("x</｜DSML｜parameter>")
    inside = f"{head.replace(TOKEN, '!')}x"
    tail = f"</!parameter>{tail.replace(TOKEN, '!')}"
    bang = V4.grammar(offer, lambda marker: "<[257]>" if marker == TOKEN else None, parallel=False)
    assert accepts(bang, inside + "</｜DSML｜" + tail, ["!"])
    assert not accepts(bang, inside + "</｜DSML｜parameter>" + tail, ["!"])
