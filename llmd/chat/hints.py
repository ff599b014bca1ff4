"""What the source of a chat template gives away without being rendered, for those who only want to
show it: rendering foreign source is for processes that may be lost.
"""

from __future__ import annotations

import re

import msgspec

from llmd.chat.reasoning import find_thinking
from llmd.chat.tools.registry import choose_format

_TOOLS = re.compile(r"\btools\b")
_SYSTEM = re.compile(r"""["']system["']""")
_REFUSES_SYSTEM = re.compile(r"raise_exception\(\s*[\"']system[^\"']*not supported", re.IGNORECASE)
# a variable of the template, not a text in it or a field of a message
_SWITCH = re.compile(
    r"\{[%{][^{}]*?(?<![.\w'\"])"
    r"(?:enable_thinking|thinking|thinking_mode|reasoning_effort|reasoning_strength)\b(?!['\"])"
)
_PICTURES = re.compile(r"""["']image(?:_url)?["']""")


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """What a template seems to be able to."""

    system: bool = False
    """It knows system messages."""
    tools: bool = False
    """It describes tools to the model; llmd does where it does not."""
    call_format: str = ""
    """How the model writes calls, in llmd's words."""
    reasoning: bool = False
    """The model reasons before it answers."""
    reasoning_switch: bool = False
    """Reasoning can be turned on and off."""
    pictures: bool = False


def hints(source: str) -> Hints:
    """Return what the source of a template gives away."""
    tools = bool(_TOOLS.search(source))
    reasoning = find_thinking(source) is not None
    return Hints(
        system=bool(_SYSTEM.search(source)) and not _REFUSES_SYSTEM.search(source),
        tools=tools,
        call_format=choose_format(source, describes_tools=tools).name,
        reasoning=reasoning,
        reasoning_switch=reasoning and bool(_SWITCH.search(source)),
        pictures=bool(_PICTURES.search(source)),
    )
