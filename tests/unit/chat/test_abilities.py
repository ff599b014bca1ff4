from __future__ import annotations

import pytest

from llmd.chat.abilities import Abilities
from tests.unit.chat.conftest import SOURCES, template

EVERYTHING = Abilities()
NO_TOOLS = {"tools": False, "tool_calls": False}


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("llmd-tiny", {}),
        ("Qwen-Qwen2.5-7B-Instruct", {}),
        ("Qwen-Qwen3-0.6B", {"empty_content": False}),
        ("Qwen3.5-4B", {"parts": True, "several_systems": False}),
        (
            "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
            {"absent_tools": False, "text_beside_calls": False},
        ),
        ("HuggingFaceTB-SmolLM3-3B", {"several_systems": False, **NO_TOOLS}),
        ("Kimi-K2-Instruct", {"parts": True}),
        ("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", {"tools": False, "several_systems": False}),
        ("google-gemma-2-2b-it", {"system": False, "turns_in_a_row": False, **NO_TOOLS}),
        ("meetkai-functionary-medium-v3.2", {"argument_objects": False}),
        ("microsoft-Phi-3.5-mini-instruct", NO_TOOLS),
        (
            "mistralai-Mistral-Nemo-Instruct-2407",
            {
                "any_call_id": False,
                "several_systems": False,
                "turns_in_a_row": False,
                "keeps_text": False,
            },
        ),
        (
            "meta-llama-Llama-3.1-8B-Instruct",
            {"several_calls": False, "text_beside_calls": False},
        ),
        (
            "openai-gpt-oss-120b",
            {"empty_content": False, "several_calls": False, "several_systems": False},
        ),
    ],
)
def test_published_templates_are_seen_for_what_they_are(name: str, lacks: dict[str, bool]) -> None:
    found = template(SOURCES[name].read_text(encoding="utf-8")).abilities
    assert found == Abilities(**lacks)


def test_a_list_that_is_only_printed_is_not_understood() -> None:
    assert not template("{% for m in messages %}{{ m.content }}{% endfor %}").abilities.parts
    assert not template("{% for m in messages %}{{ m.content|tojson }}{% endfor %}").abilities.parts


def test_a_template_may_want_parts_alone() -> None:
    found = template(
        "{% for m in messages %}{% for p in m.content %}{{ p['text'] }}{% endfor %}{% endfor %}"
    ).abilities
    assert (found.text, found.parts) == (False, True)


def test_absent_content_that_is_spelt_out_must_be_empty() -> None:
    source = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}"
        "{% for c in m.tool_calls or [] %}{{ c.function|tojson }}{% endfor %}{% endfor %}"
    )
    assert not template(source).abilities.empty_content


def test_a_template_that_refuses_everything_is_left_to_speak_for_itself() -> None:
    assert template("{{ raise_exception('no') }}").abilities == EVERYTHING
    assert template("{% broken").abilities == EVERYTHING
