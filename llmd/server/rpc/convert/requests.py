"""What is asked for texts and vectors, as the OpenAI-shaped requests that all dialects share. Pure.

proto3 does not tell a number of 0 from one that was left out, so that both mean what is usual;
`greedy` stands for a temperature of exactly 0, and `extra` takes whatever has no field of its own.
"""

from __future__ import annotations

import math
import struct
from typing import Any, TypeVar

import msgspec
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from llmd.errors import InvalidRequest
from llmd.server.completions import schema
from llmd.server.http.body import decode_json
from llmd.server.rpc.generated import model_pb2 as pb

T = TypeVar("T", schema.ChatRequest, schema.CompletionRequest)

_OURS = {"model", "messages", "prompt", "stream", "stream_options"}
_EXACT = 2**53
"""Whole numbers up to here are themselves as doubles."""


def chat(asked: pb.ChatCompletionRequest, *, stream: bool) -> schema.ChatRequest:
    """Return a conversation to be answered; raise InvalidRequest."""
    fields = {"messages": [_message(message) for message in asked.messages]}
    return _request(asked, fields, schema.ChatRequest, stream=stream)


def text(asked: pb.CompletionRequest, *, stream: bool) -> schema.CompletionRequest:
    """Return a text to be continued; raise InvalidRequest."""
    return _request(asked, {"prompt": asked.prompt}, schema.CompletionRequest, stream=stream)


def embeddings(asked: pb.EmbeddingsRequest) -> schema.EmbeddingRequest:
    """Return texts to be turned into vectors; raise InvalidRequest."""
    fields = {
        "model": asked.model_id or None,
        "input": list(asked.input),
        "encoding_format": asked.encoding_format or None,
        "dimensions": asked.dimensions or None,
    }
    return decode_json(msgspec.json.encode(fields), schema.EmbeddingRequest)


def _request(
    asked: pb.ChatCompletionRequest | pb.CompletionRequest,
    fields: dict[str, Any],
    kind: type[T],
    *,
    stream: bool,
) -> T:
    if asked.stream and not stream:
        raise InvalidRequest(
            "This method answers in one piece.",
            hint="Call the one whose name ends in Stream, or leave out stream.",
            param="stream",
        )
    fields |= _knobs(asked)
    fields |= _extra(asked.extra, fields, kind)
    if stream:
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    return decode_json(msgspec.json.encode(fields), kind)


def _knobs(asked: pb.ChatCompletionRequest | pb.CompletionRequest) -> dict[str, Any]:
    """Return what was said; nothing of what was not."""
    if asked.greedy and asked.temperature:
        raise InvalidRequest("greedy means a temperature of 0.", param="greedy")
    said: dict[str, Any] = {
        "model": asked.model_id,
        "max_tokens": asked.max_tokens,
        "temperature": _shortest(asked.temperature, "temperature"),
        "top_p": _shortest(asked.top_p, "top_p"),
        "n": asked.n,
        "stop": list(asked.stop),
    }
    said = {name: value for name, value in said.items() if value}
    return {**said, "temperature": 0} if asked.greedy else said


def _shortest(value: float, param: str) -> float:
    """Return the number that was meant: 0.7, not the 0.699999988 that a float of 32 bits holds."""
    if not math.isfinite(value):
        raise InvalidRequest(f"{param} is no finite number.", param=param)
    held = struct.pack("<f", value)
    digits = (f"{value:.{count}g}" for count in range(6, 10))
    return next((float(text) for text in digits if struct.pack("<f", float(text)) == held), value)


def _extra(extra: Struct, fields: dict[str, Any], kind: type[T]) -> dict[str, Any]:
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    for name in extra.fields:
        param = f"extra.{name[:50]}"
        if name in _OURS or name in fields:
            raise InvalidRequest(
                f"{param} is said elsewhere.", hint="Use the field of the message.", param=param
            )
        if name not in known:
            raise InvalidRequest(
                f"There is no {param}.",
                hint="It takes fields of the requests to /v1.",
                param=param,
            )
    return {name: _plain(value) for name, value in extra.fields.items()}


def _message(message: pb.Message) -> dict[str, Any]:
    """Return a message; an empty content of one that calls tools is none."""
    if message.parts and message.content:
        raise InvalidRequest("A message has content or parts.", param="messages")
    content: str | list[Any] | None = message.content
    if message.parts:
        content = [_object(part) for part in message.parts]
    elif message.tool_calls and not message.content:
        content = None
    said: dict[str, Any] = {
        "name": message.name,
        "tool_call_id": message.tool_call_id,
        "reasoning_content": message.reasoning_content,
        "tool_calls": [_call(call) for call in message.tool_calls],
    }
    return {
        "role": message.role,
        "content": content,
        **{name: value for name, value in said.items() if value},
    }


def _call(call: pb.ToolCall) -> dict[str, Any]:
    return {
        "id": call.id or None,
        "type": call.type or "function",
        "function": {"name": call.function.name, "arguments": call.function.arguments},
    }


def _object(struct: Struct) -> dict[str, Any]:
    return {name: _plain(value) for name, value in struct.fields.items()}


def _list(values: ListValue) -> list[Any]:
    return [_plain(value) for value in values.values]


def _plain(value: Value) -> Any:
    """Return a value of a Struct, whole numbers as such; raise InvalidRequest for what JSON has
    not.
    """
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _object(value.struct_value)
    if kind == "list_value":
        return _list(value.list_value)
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind != "number_value":
        return None
    number = value.number_value
    if not math.isfinite(number):
        raise InvalidRequest("extra holds a number that is not finite.", param="extra")
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number
