from __future__ import annotations

from pathlib import Path

import pytest

from llmd.chat.hints import Hints, hints
from llmd.chat.template import ChatTemplate
from tests.conftest import DATA

TEMPLATES = sorted((DATA / "chat-templates").rglob("*.jinja"))


def test_a_template_gives_away_what_it_can() -> None:
    found = hints(
        "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% endif %}{% endfor %}"
        "{% if tools %}<tool_call>{% endif %}{% if enable_thinking %}<think>{% endif %}"
    )
    assert found.system
    assert found.tools
    assert found.call_format == "hermes"
    assert found.reasoning
    assert found.reasoning_switch
    assert not found.pictures


def test_a_plain_template_gives_away_nothing() -> None:
    found = hints("{{ messages[0].content }} uses toolset and thinks")
    assert found == Hints(call_format="hermes")


def test_hostile_sources_are_only_looked_at() -> None:
    assert hints("{% for i in range(10**12) %}" * 1000 + "tools").tools
    assert not hints("").tools


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_what_real_templates_give_away_is_what_they_do(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    rendered = ChatTemplate(source, bos="<s>", eos="</s>")
    found = hints(source)
    assert found.system == rendered.abilities.system
    assert found.tools == rendered.abilities.tools
    assert found.call_format == rendered.form.name
    assert found.reasoning == (rendered.thinking is not None)


@pytest.mark.parametrize(
    ("name", "switch"),
    [
        ("Qwen-Qwen3-0.6B", True),
        ("deepseek-ai-DeepSeek-V3.1", True),
        ("openai-gpt-oss-120b", True),
        ("MiniMax-M3", True),
        ("muse-glimmer", True),
        ("LFM2.5-Instruct", False),
        ("Qwen-Qwen2.5-7B-Instruct", False),
    ],
)
def test_switches_of_reasoning_are_variables(name: str, switch: bool) -> None:
    source = (DATA / "chat-templates" / f"{name}.jinja").read_text(encoding="utf-8")
    assert hints(source).reasoning_switch == switch
