"""The templates that are out there, and a conversation that asks for everything a template can
do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llmd.chat.template import ChatTemplate

ROOT = Path(__file__).parents[3]
SOURCES = {path.stem: path for path in sorted((ROOT / "tests/data/chat-templates").glob("*.jinja"))}
SOURCES["llmd-tiny"] = ROOT / "packaging/llmd-tiny/chat_template.jinja"

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "current weather <of> a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "its name"}},
            "required": ["city"],
        },
    },
}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "Weather in"}, {"type": "text", "text": "Zürich?"}],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_00000001",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'},
            }
        ],
    },
    {
        "role": "tool",
        "tool_call_id": "call_00000001",
        "name": "get_weather",
        "content": "sunny, 21 degrees",
    },
    {"role": "assistant", "content": "It is sunny."},
    {"role": "user", "content": "Thanks!"},
]


def noon() -> datetime:
    return datetime(2026, 3, 1, 12, tzinfo=UTC)


@cache
def template(source: str, *, bos: str = "<s>", eos: str = "</s>") -> ChatTemplate:
    """Compile a template once: it is the same for whoever renders."""
    return ChatTemplate(source, bos=bos, eos=eos, now=noon)


@pytest.fixture(params=SOURCES)
def published(request: pytest.FixtureRequest) -> ChatTemplate:
    """Each published template in turn."""
    return template(SOURCES[request.param].read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def tiny() -> ChatTemplate:
    """The template of the built-in model."""
    return template(SOURCES["llmd-tiny"].read_text(encoding="utf-8"), bos="", eos="<|im_end|>")
