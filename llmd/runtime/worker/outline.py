"""Where the system prompt and the tools of a rendered conversation lie. Pure."""

from __future__ import annotations

from typing import Any

from llmd.engine.sequence import Outline
from llmd.protocol.requests import ChatPrompt

# characters of a message that are looked for: templates may trim or wrap the rest
_LOOKED_FOR = 80
# what stands around the names of tools in the formats of chat templates
_BEFORE_TOOL, _AFTER_TOOL = 80, 2000


def outline(prompt: ChatPrompt, text: str) -> Outline:
    """Return the parts of a conversation's text, from where messages and tools turn up in it."""
    system_end = 0
    for message in prompt.messages:
        if message.get("role") not in {"system", "developer"}:
            at = text.find(_beginning(message), system_end)
            system_end = max(at, system_end)
            break
    names = [str(tool.get("function", tool).get("name", "")) for tool in prompt.tools]
    places = [at for name in names if name and (at := text.find(name)) >= 0]
    if not places:
        return Outline(system_end)
    start, end = max(0, min(places) - _BEFORE_TOOL), max(places) + _AFTER_TOOL
    return Outline(system_end, start, min(end, max(system_end, max(places) + 1)))


def _beginning(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = next((part.get("text") for part in content if part.get("text")), "")
    return str(content or "").strip()[:_LOOKED_FOR]
