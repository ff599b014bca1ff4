"""Go templates as Jinja: the shapes that Modelfiles have, rendered to what the formats demand."""

from __future__ import annotations

from typing import Any

import pytest

from llmd.chat.go_templates.syntax import Untranslatable
from llmd.chat.go_templates.translation import translate
from llmd.chat.template import ChatTemplate

SYSTEM = {"role": "system", "content": "Be 'brief'. {{ x }} \\n"}
ASKING = {"role": "user", "content": "Capital of France?"}
ANSWER = {"role": "assistant", "content": "Paris."}
AGAIN = {"role": "user", "content": "中国呢吗"}
TALK = [SYSTEM, ASKING, ANSWER, AGAIN]

CHATML_BY_TURN = """{{ if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}{{ if .Prompt }}<|im_start|>user
{{ .Prompt }}<|im_end|>
{{ end }}<|im_start|>assistant
{{ .Response }}<|im_end|>
"""
CHATML_BY_MESSAGE = """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
CHATML_BY_INDEX = """{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 -}}
{{- if or (eq .Role "user" "system") (and (eq .Role "assistant") .Content) }}<|im_start|>{{ .Role }}
{{ $_.Content }}{{ if not (and $last (ne .Role "user")) }}<|im_end|>
{{ end }}{{ end }}
{{- if and $last (eq .Role "user") }}<|im_start|>assistant
{{ end }}
{{- end }}"""
CHATML_TALK = (
    "<|im_start|>system\nBe 'brief'. {{ x }} \\n<|im_end|>\n"
    "<|im_start|>user\nCapital of France?<|im_end|>\n"
    "<|im_start|>assistant\nParis.<|im_end|>\n"
    "<|im_start|>user\n中国呢吗<|im_end|>\n<|im_start|>assistant\n"
)
FOLDED = """{{- $system := "" }}
{{- range .Messages }}
{{- if eq .Role "system" }}
{{- if not $system }}{{ $system = .Content }}{{ else }}{{ $system = printf "%s, %s" $system .Content }}{{ end }}
{{- continue }}
{{- end }}<turn>{{ if eq .Role "user" }}user{{ else }}model{{ end }}
{{ if $system }}{{ $system }}

{{ $system = "" }}{{ end }}{{ .Content }}</turn>
{{ end }}<turn>model
"""


def rendered(source: str, talk: list[dict[str, Any]]) -> str:
    return ChatTemplate(translate(source).source, bos="<s>", eos="</s>").render(talk)


@pytest.mark.parametrize("source", [CHATML_BY_TURN, CHATML_BY_MESSAGE, CHATML_BY_INDEX])
def test_one_format_written_in_three_ways_renders_alike(source: str) -> None:
    assert translate(source).whole
    assert rendered(source, TALK) == CHATML_TALK
    assert rendered(source, [ASKING]) == (
        "<|im_start|>user\nCapital of France?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_messages_of_one_role_in_a_row_are_joined() -> None:
    assert rendered(CHATML_BY_MESSAGE, [ASKING, AGAIN]) == (
        "<|im_start|>user\nCapital of France?\n\n中国呢吗<|im_end|>\n<|im_start|>assistant\n"
    )


def test_variables_carry_a_system_prompt_into_the_first_question() -> None:
    brief = {"role": "system", "content": "Be brief."}
    assert rendered(FOLDED, [brief, ASKING, ANSWER, AGAIN]) == (
        "<turn>user\nBe brief.\n\nCapital of France?</turn>\n<turn>model\nParis.</turn>\n"
        "<turn>user\n中国呢吗</turn>\n<turn>model\n"
    )


def test_the_last_turn_ends_where_the_answer_begins() -> None:
    source = (
        "{{ if .Prompt }}Q: {{ .Prompt }}\n{{ if .Response }}A: {{ .Response }}!{{ end }}{{ end }}"
    )
    assert rendered(source, [ASKING, ANSWER, AGAIN]) == (
        "Q: Capital of France?\nA: Paris.!Q: 中国呢吗\n"
    )


def test_a_template_without_an_answer_gets_one_at_its_end() -> None:
    assert rendered("[{{ .System }}|{{ .Prompt }}] ", TALK) == (
        f"[{SYSTEM['content']}|Capital of France?] Paris.[|中国呢吗] "
    )


def test_tools_and_reasoning_are_left_out_and_said_to_be() -> None:
    source = (
        (
            "{{ if .Tools }}{{ range .Tools }}{{ json . }}{{ end }}{{ end }}"
            "{{ range .Messages }}{{ if .ToolCalls }}{{ toolCalls .ToolCalls }}{{ else }}"
            "<{{ .Role }}>{{ if and .Thinking true }}{{ .Thinking }}{{ end }}{{ .Content }}"
            "{{ end }}{{ end }}<assistant>"
        )
        .replace("{{ json . }}", "x")
        .replace("{{ toolCalls .ToolCalls }}", "y")
    )
    translated = translate(source)
    assert not translated.whole
    assert rendered(source, [ASKING]) == "<user>Capital of France?<assistant>"


def test_a_template_for_both_ways_is_taken_by_its_messages() -> None:
    source = (
        "{{ if .Suffix }}<fim>{{ .Prompt }}{{ .Suffix }}{{ else if .Messages }}"
        "{{ range .Messages }}<{{ .Role }}>{{ .Content }}{{ end }}<assistant>"
        "{{ else }}{{ .Prompt }}{{ end }}{{ .Response }}"
    )
    assert translate(source).whole
    assert rendered(source, [ASKING]) == "<user>Capital of France?<assistant>"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Hello", r"neither .Messages nor .Prompt"),
        ("{{ .Prompt }}{{ .Weather }}", ".Weather is not known"),
        ("{{ .Role }}{{ .Prompt }}", ".Role is not known"),
        ("{{ range .Messages }}{{ .Prompt }}{{ end }}", ".Prompt is not known"),
        ("{{ range .Messages }}{{ range $.Messages }}{{ end }}{{ end }}", "something else"),
        ("{{ $x = 1 }}{{ .Prompt }}", r"\$x is not declared"),
        ("{{ $x := 1 }}{{ $x := 2 }}{{ .Prompt }}", r"\$x is declared twice"),
        ("{{ $y }}{{ .Prompt }}", r"\$y is not known"),
        ("{{ continue }}{{ .Prompt }}", "outside of a range"),
        ("{{ json .Messages }}", "the function json"),
        ('{{ printf "%d" 1 }}{{ .Prompt }}', "printf is known with %s alone"),
        ("{{ printf .Prompt .Prompt }}", "no fixed format"),
    ],
)
def test_what_is_not_understood_is_never_guessed(source: str, said: str) -> None:
    with pytest.raises(Untranslatable, match=said):
        translate(source)


def test_text_of_the_template_never_becomes_code() -> None:
    hostile = '{% raw %} \' \\ {{ "{{ 7 * 7 }}" }} %} {{ .Prompt }}'
    assert rendered(hostile, [ASKING]) == ("{% raw %} ' \\ {{ 7 * 7 }} %} Capital of France?")
