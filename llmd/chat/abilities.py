"""Finds out what a template understands, by rendering short conversations and looking for their
marks in the result.

Reading the source would have to guess; what comes out does not lie. llama.cpp probes in the same
way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from llmd.chat.sandbox import FAULTS

Message = dict[str, Any]
Tools = Sequence[Mapping[str, Any]]
Render = Callable[[Sequence[Message], Tools | None], str]

_FIRST, _SECOND, _THIRD, _FOURTH = "first mark", "second mark", "third mark", "fourth mark"
_CALL_ID = "abcd12345"
_TOOL = {
    "type": "function",
    "function": {
        "name": "probe_tool",
        "description": "A tool.",
        "parameters": {
            "type": "object",
            "properties": {"key": {"type": "string", "description": "A key."}},
        },
    },
}


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a template can be given as it is; the rest is adapted."""

    text: bool = True
    """Content as a string."""
    parts: bool = False
    """Content of a user message as a list of parts."""
    system: bool = True
    """A system message."""
    several_systems: bool = True
    """More than one, anywhere in a conversation."""
    turns_in_a_row: bool = True
    """Several messages of the user, or of the assistant, one after the other."""
    tools: bool = True
    """Descriptions of tools."""
    tool_calls: bool = True
    """Assistant messages with tool calls, and tool messages."""
    argument_objects: bool = True
    """Arguments of tool calls as objects, not as JSON text."""
    several_calls: bool = True
    """More than one tool call in a message."""
    empty_content: bool = True
    """None as the content of a message that is only tool calls."""
    text_beside_calls: bool = True
    """Text in a message with tool calls; True also where text and calls in two messages are no
    better.
    """
    keeps_text: bool = True
    """Text beside tool calls is not dropped in silence."""
    any_call_id: bool = True
    """Ids of tool calls of any form; otherwise nine letters and digits."""
    absent_tools: bool = True
    """None when there are no tools; otherwise an empty list."""


class Prober:
    """Renders conversations and tolerates that the template cannot."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self.as_text = True
        self.no_tools: Tools | None = None

    def text(self, messages: list[Message], tools: Tools | None = None) -> str:
        """Return what comes out; nothing when the template refuses or breaks."""
        try:
            return self._render(messages, tools or self.no_tools)
        except FAULTS:
            return ""

    def content(self, text: str) -> str | list[dict[str, str]]:
        """Return content in the form that the template takes."""
        return text if self.as_text else [{"type": "text", "text": text}]

    def said(self, role: str, text: str) -> Message:
        """Return a message."""
        return {"role": role, "content": self.content(text)}

    def shows(self, *said: tuple[str, str]) -> bool:
        """Whether everything comes out of a conversation, given as roles and texts."""
        text = self.text([self.said(role, words) for role, words in said])
        return all(words in text for _, words in said)

    def call(
        self,
        arguments: object,
        content: object,
        call_id: str,
        tools: Tools,
        around: tuple[Sequence[Message], Sequence[Message]] = ((), ()),
    ) -> str:
        """Return what a call of a tool and its result come out as, between other messages; nothing
        unless both do.
        """
        call = {
            "id": call_id,
            "type": "function",
            "function": {"name": "probe_tool", "arguments": arguments},
        }
        result = {
            "role": "tool",
            "name": "probe_tool",
            "tool_call_id": call_id,
            "content": self.content(_SECOND),
        }
        asking = {"role": "assistant", "content": content, "tool_calls": [call]}
        before, after = around
        text = self.text([self.said("user", "hello"), *before, asking, result, *after], tools)
        # neither in Python's spelling nor as JSON inside a JSON string
        legible = "probe value" in text and "'probe_key'" not in text and '\\"probe_key' not in text
        return text if legible and _SECOND in text else ""

    def calls(self, arguments: object, content: str | None, tools: Tools) -> bool:
        """Whether two calls in one message both come out."""
        calls = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name in ((_CALL_ID, "probe_tool"), (_CALL_ID[::-1], "second_tool"))
        ]
        asking = {"role": "assistant", "content": content, "tool_calls": calls}
        return "second_tool" in self.text([self.said("user", "hello"), asking], tools)

    def text_beside_call(self, arguments: object, tools: Tools) -> bool:
        """Whether text comes out together with a call."""
        return _FIRST in self.call(arguments, self.content(_FIRST), _CALL_ID, tools)

    def text_stands_apart(self, arguments: object, content: str | None, tools: Tools) -> bool:
        """Whether text before a call comes out in a message of its own."""
        around = (
            [self.said("assistant", _FIRST)],
            [self.said("assistant", _THIRD), self.said("user", _FOURTH)],
        )
        text = self.call(arguments, content, _CALL_ID, tools, around)
        return all(mark in text for mark in (_FIRST, _THIRD, _FOURTH))


def find_abilities(render: Render) -> Abilities:
    """Probe a template; `render` takes messages and tools and raises one of FAULTS."""
    prober = Prober(render)
    for prober.no_tools in (None, ()):
        text = _FIRST in prober.text([{"role": "user", "content": _FIRST}])
        parts = _takes_parts(prober)
        if text or parts:
            break
    else:
        # it refuses everything that was tried: let it speak for itself when it is asked
        return Abilities()
    prober.as_text = text
    hello = prober.said("user", "hello")
    system = _FIRST in prober.text([prober.said("system", _FIRST), hello])
    found = Abilities(
        text=text,
        parts=parts,
        system=system,
        several_systems=not system or _several_systems(prober),
        turns_in_a_row=_turns_in_a_row(prober),
        tools="probe_tool" in prober.text([hello], [_TOOL]),
        absent_tools=prober.no_tools is None,
    )
    return _with_calls(found, prober)


def _several_systems(prober: Prober) -> bool:
    return prober.shows(
        ("system", _FIRST),
        ("system", _SECOND),
        ("user", "hello"),
        ("assistant", "hello"),
        ("system", _THIRD),
        ("user", _FOURTH),
    )


def _turns_in_a_row(prober: Prober) -> bool:
    return prober.shows(
        ("user", _FIRST),
        ("user", _SECOND),
        ("assistant", _THIRD),
        ("assistant", _FOURTH),
        ("user", "hello"),
    )


def _takes_parts(prober: Prober) -> bool:
    content = [{"type": "text", "text": _FIRST}, {"type": "text", "text": _SECOND}]
    _, found, rest = prober.text([{"role": "user", "content": content}]).partition(_FIRST)
    between, ended, _ = rest.partition(_SECOND)
    # a template that prints the list as it is shows its keys
    return bool(found and ended) and "text" not in between


def _with_calls(found: Abilities, prober: Prober) -> Abilities:
    """Return what was found, with the way tool calls must be written; objects and an empty content
    are preferred.
    """
    tools = [_TOOL] if found.tools else []
    written = {"probe_key": "probe value"}
    for arguments in (written, json.dumps(written)):
        empty = prober.call(arguments, "", _CALL_ID, tools)
        absent = prober.call(arguments, None, _CALL_ID, tools)
        if not empty and not absent:
            continue
        # a template that spells out the absent content, as None or null, wants it empty
        spelt = (
            any(absent.count(word) > empty.count(word) for word in ("None", "null"))
            if empty
            else False
        )
        content = None if absent and not spelt else ""
        beside = prober.text_beside_call(arguments, tools)
        apart = not beside and prober.text_stands_apart(arguments, content, tools)
        return msgspec.structs.replace(
            found,
            argument_objects=arguments is written,
            empty_content=content is None,
            any_call_id=bool(prober.call(arguments, content, "call_0123456789", tools)),
            several_calls=prober.calls(arguments, content, tools),
            text_beside_calls=not apart,
            keeps_text=beside or apart,
        )
    return msgspec.structs.replace(found, tool_calls=False)
