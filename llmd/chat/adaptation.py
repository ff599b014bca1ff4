"""Reshapes a conversation for a template that does not understand all of it, so that nothing is
lost in silence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmd.chat.abilities import Abilities, Message, Tools
from llmd.chat.tools.formats import write_hermes
from llmd.chat.turns import one_system, taking_turns, text_apart, user_first
from llmd.errors import InvalidRequest

WriteCall = Callable[[str, str], str]
"""Returns a call's text from a tool's name and JSON arguments."""

_SHORT_ID = 9

_TOOLS_TEXT = """You can call these tools, one JSON schema a line:
{tools}

To call one, answer with nothing but
{call}"""


def adapt(
    messages: Sequence[Message],
    tools: Tools,
    abilities: Abilities,
    write: WriteCall = write_hermes,
) -> tuple[list[Message], list[Any]]:
    """Return messages and tools that a template of these abilities renders whole, with calls
    written as the model writes them where the template cannot; raise InvalidRequest.
    """
    adapted = [_plain(message, abilities, index) for index, message in enumerate(messages)]
    if not abilities.several_systems:
        adapted = one_system(adapted)
    if tools and not abilities.tools:
        _add_system(
            adapted,
            _TOOLS_TEXT.format(
                tools="\n".join(_dump(tool.get("function", tool)) for tool in tools),
                call=write("NAME", "{...}"),
            ),
        )
        tools = ()
    if abilities.tool_calls and not abilities.text_beside_calls:
        adapted = text_apart(adapted)
    if abilities.tool_calls and not abilities.several_calls:
        adapted = _one_by_one(adapted)
    if abilities.tool_calls:
        adapted = [_with_calls(message, abilities) for message in adapted]
    else:
        adapted = _joined([_without_calls(message, write) for message in adapted])
    if not abilities.system:
        adapted = _fold_system(adapted)
    if not abilities.turns_in_a_row:
        adapted = user_first(taking_turns(adapted))
    if not abilities.text:
        adapted = [_in_parts(message) for message in adapted]
    return adapted, list(tools)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(message: Message, abilities: Abilities, index: int) -> Message:
    """Return a copy without empty fields, with its content as text where the template wants
    that.
    """
    copy = {
        key: value
        for key, value in message.items()
        if value is not None and (key != "tool_calls" or value)
    }
    if copy.get("role") == "developer":
        copy["role"] = "system"
    content = message.get("content")
    keep = abilities.parts and copy.get("role") == "user"
    text = _text(content, f"messages[{index}].content")
    copy["content"] = content if keep and content is not None else text
    return copy


def _text(content: object, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise InvalidRequest(f"{where} must be a text or a list of parts.", param="messages")
    texts = []
    for part in content:
        text = (
            part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None
        )
        if not isinstance(text, str):
            kind = part.get("type") if isinstance(part, dict) else type(part).__name__
            raise InvalidRequest(
                f"{where} has a part of type {kind}.",
                hint="This model takes text alone.",
                param="messages",
            )
        texts.append(text)
    return "\n".join(texts)


def _with_calls(message: Message, abilities: Abilities) -> Message:
    if not abilities.any_call_id and "tool_call_id" in message:
        return {**message, "tool_call_id": _short(message["tool_call_id"])}
    if "tool_calls" not in message:
        return message
    calls = [_call(call, abilities) for call in message["tool_calls"]]
    content = message["content"] or (None if abilities.empty_content else "")
    return {**message, "tool_calls": calls, "content": content}


def _one_by_one(messages: list[Message]) -> list[Message]:
    """Turn a message of several calls, and their results behind it, into calls that are each
    followed by their result.
    """
    results = {
        message.get("tool_call_id"): message for message in messages if message["role"] == "tool"
    }
    split: list[Message] = []
    moved: set[int] = set()
    for message in messages:
        calls = message.get("tool_calls") or []
        if len(calls) < 2:  # noqa: PLR2004  one call needs no splitting
            split += [] if id(message) in moved else [message]
            continue
        later = {"role": message["role"], "content": ""}
        for place, call in enumerate(calls):
            result = results.get(call.get("id"))
            split.append({**(later if place else message), "tool_calls": [call]})
            if result is not None:
                split.append(result)
                moved.add(id(result))
    return split


def _call(call: Mapping[str, Any], abilities: Abilities) -> dict[str, Any]:
    function = dict(call.get("function", {}))
    function["arguments"] = _arguments(
        function.get("arguments"), as_object=abilities.argument_objects
    )
    changed = {**call, "function": function}
    if "id" in call and not abilities.any_call_id:
        changed["id"] = _short(call["id"])
    return changed


def _arguments(arguments: object, *, as_object: bool) -> object:
    """Turn JSON text into an object or the other way. Text that is no JSON object, such as what
    a limit cut off, becomes the only argument of one: templates want to list arguments.
    """
    if not as_object:
        return (
            arguments
            if isinstance(arguments, str)
            else _dump(arguments if arguments is not None else {})
        )
    if not isinstance(arguments, str):
        return arguments if arguments is not None else {}
    try:
        value = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"arguments": arguments}


def _short(call_id: object) -> str:
    """Return nine letters and digits that stand for an id; one that has that form already stays."""
    text = str(call_id)
    if len(text) == _SHORT_ID and text.isalnum():
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:_SHORT_ID]


def _without_calls(message: Message, write: WriteCall) -> Message:
    if message.get("role") == "tool":
        return {
            "role": "user",
            "content": f"<tool_response>\n{message['content']}\n</tool_response>",
        }
    if "tool_calls" not in message:
        return message
    texts = [message["content"]] if message["content"] else []
    for call in message["tool_calls"]:
        function = call.get("function", {})
        arguments = _arguments(function.get("arguments"), as_object=True)
        texts.append(write(str(function.get("name")), _dump(arguments)))
    rest = {key: value for key, value in message.items() if key != "tool_calls"}
    return {**rest, "content": "\n".join(texts)}


def _joined(messages: list[Message]) -> list[Message]:
    """Join tool results that became user messages with their neighbours, for templates that insist
    on alternation.
    """
    joined: list[Message] = []
    for message in messages:
        last = joined[-1] if joined else None
        if (
            last
            and _is_result(last)
            and message.get("role") == "user"
            and isinstance(message["content"], str)
        ):
            joined[-1] = {**last, "content": f"{last['content']}\n{message['content']}"}
        else:
            joined.append(message)
    return joined


def _is_result(message: Message) -> bool:
    content = message["content"]
    return (
        message["role"] == "user"
        and isinstance(content, str)
        and content.startswith("<tool_response>")
    )


def _add_system(messages: list[Message], text: str) -> None:
    if messages and messages[0].get("role") == "system":
        before = messages[0]["content"]
        messages[0] = {**messages[0], "content": f"{before}\n\n{text}" if before else text}
    else:
        messages.insert(0, {"role": "system", "content": text})


def _fold_system(messages: list[Message]) -> list[Message]:
    """Put the text of system messages before that of the first user message."""
    system = "\n\n".join(
        m["content"] for m in messages if m.get("role") == "system" and m["content"]
    )
    rest = [message for message in messages if message.get("role") != "system"]
    if not system:
        return rest
    if not rest or rest[0].get("role") != "user":
        return [{"role": "user", "content": system}, *rest]
    first = rest[0]
    content = first["content"]
    if isinstance(content, list):
        content = [{"type": "text", "text": f"{system}\n\n"}, *content]
    else:
        content = f"{system}\n\n{content}"
    return [{**first, "content": content}, *rest[1:]]


def _in_parts(message: Message) -> Message:
    content = message["content"]
    return (
        {**message, "content": [{"type": "text", "text": content}]}
        if isinstance(content, str)
        else message
    )
