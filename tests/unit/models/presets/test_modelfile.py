"""The lines of a Modelfile: quotes, comments, and what is no instruction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.errors import InvalidRequest
from llmd.models.presets.modelfile import Instruction, instructions, is_modelfile


def values(text: str) -> list[tuple[str, str, str]]:
    return [(item.name, item.subject, item.value) for item in instructions(text)]


def test_instructions_are_cut_as_ollama_cuts_them() -> None:
    text = (
        "\ufeff# a comment\r\n"
        "from llama3.2\r\n"
        "\r\n"
        '  PARAMETER stop "<|eot id|>"\n'
        "PARAMETER stop AI assistant:\n"
        'SYSTEM """You say\n  "hello"\nand # this is no comment\n"""\n'
        'MESSAGE user "Is it\nfar?"\n'
        "MESSAGE assistant No: it is near.\n"
        'TEMPLATE """{{ .Prompt }}"""'
    )
    assert values(text) == [
        ("from", "", "llama3.2"),
        ("parameter", "stop", "<|eot id|>"),
        ("parameter", "stop", "AI assistant:"),
        ("system", "", 'You say\n  "hello"\nand # this is no comment\n'),
        ("message", "user", "Is it\nfar?"),
        ("message", "assistant", "No: it is near."),
        ("template", "", "{{ .Prompt }}"),
    ]


def test_each_instruction_knows_its_line() -> None:
    found = instructions('FROM x\nSYSTEM """a\nb"""\n\nLICENSE MIT')
    assert found[1:] == [
        Instruction("system", "a\nb", 2),
        Instruction("license", "MIT", 5),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM x\nFOO y", "line 2: 'FOO' is no instruction"),
        ("FROM", "line 1: 'FROM' is no instruction, or has no value"),
        ('FROM x\n\nSYSTEM """abc', "line 3: its quotes are never closed"),
        ('SYSTEM "', "line 1: its quotes are never closed"),
        ("MESSAGE bot hello", "line 1: the role"),
        ("MESSAGE user", "line 1: MESSAGE needs a name and a value"),
        ("PARAMETER temperature", "line 1: PARAMETER needs a name and a value"),
        ("just text", "line 1: 'just' is no instruction"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        instructions(text)


def test_modelfiles_are_told_from_other_texts() -> None:
    assert is_modelfile("# x\nFROM llama3.2\n")
    assert is_modelfile("PARAMETER top_k 3\nfrom ./x.gguf")
    assert not is_modelfile('from = "llama3.2"')
    assert not is_modelfile("")


@given(st.text(max_size=300))
def test_any_text_is_cut_or_refused(text: str) -> None:
    try:
        found = instructions(text)
    except InvalidRequest:
        return
    assert [item.line for item in found] == sorted(item.line for item in found)


@given(st.text(max_size=100).filter(lambda text: '"""' not in text and not text.endswith('"')))
def test_quoted_values_come_out_as_they_went_in(text: str) -> None:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert instructions(f'SYSTEM """{plain}"""')[0].value == plain
