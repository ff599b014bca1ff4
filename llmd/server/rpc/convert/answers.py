"""Completions and vectors as messages of model.proto. Pure."""

from __future__ import annotations

import msgspec
from google.protobuf.struct_pb2 import Struct

from llmd.server.completions import schema
from llmd.server.rpc.generated import model_pb2 as pb


def text(completion: schema.Completion) -> pb.CompletionResponse:
    """Return a whole text."""
    return pb.CompletionResponse(
        id=completion.id,
        object=completion.object,
        created=completion.created,
        model=completion.model,
        choices=_texts(completion),
        usage=_usage(completion),
    )


def text_chunk(completion: schema.Completion) -> pb.CompletionChunk:
    """Return more of a text."""
    return pb.CompletionChunk(
        id=completion.id,
        object=completion.object,
        created=completion.created,
        model=completion.model,
        choices=_texts(completion),
        usage=_usage(completion),
    )


def chat(completion: schema.Completion) -> pb.ChatCompletionResponse:
    """Return a whole answer to a conversation."""
    choices = [
        pb.ChatChoice(
            message=_message(choice.message),
            finish_reason=choice.finish_reason,
            index=choice.index,
            logprobs=_logprobs(choice.logprobs),
        )
        for choice in completion.choices
        if isinstance(choice, schema.ChatChoice)
    ]
    return pb.ChatCompletionResponse(
        id=completion.id,
        object=completion.object,
        created=completion.created,
        model=completion.model,
        choices=choices,
        usage=_usage(completion),
    )


def chat_chunk(completion: schema.Completion) -> pb.ChatCompletionChunk:
    """Return more of an answer to a conversation."""
    choices = [
        pb.ChatChunkChoice(
            delta=_delta(choice.delta),
            finish_reason=choice.finish_reason or "",
            index=choice.index,
            logprobs=_logprobs(choice.logprobs),
        )
        for choice in completion.choices
        if isinstance(choice, schema.ChatChunkChoice)
    ]
    return pb.ChatCompletionChunk(
        id=completion.id,
        object=completion.object,
        created=completion.created,
        model=completion.model,
        choices=choices,
        usage=_usage(completion),
    )


def vectors(found: schema.EmbeddingList) -> pb.EmbeddingsResponse:
    """Return vectors."""
    return pb.EmbeddingsResponse(
        object=found.object,
        data=[_vector(item) for item in found.data],
        model=found.model,
        usage=pb.EmbeddingsUsage(
            prompt_tokens=found.usage.prompt_tokens, total_tokens=found.usage.total_tokens
        ),
    )


def _texts(completion: schema.Completion) -> list[pb.CompletionChoice]:
    return [
        pb.CompletionChoice(
            text=choice.text,
            index=choice.index,
            finish_reason=choice.finish_reason or "",
            logprobs=_logprobs(choice.logprobs),
        )
        for choice in completion.choices
        if isinstance(choice, schema.TextChoice)
    ]


def _message(message: schema.ChatMessage) -> pb.Message:
    return pb.Message(
        role=message.role,
        content=message.content or "",
        reasoning_content=message.reasoning_content or "",
        tool_calls=[
            pb.ToolCall(
                id=call.id or "",
                type=call.type,
                index=index,
                function=pb.FunctionCall(
                    name=call.function.name, arguments=_arguments(call.function)
                ),
            )
            for index, call in enumerate(message.tool_calls or [])
        ],
    )


def _arguments(call: schema.FunctionCall) -> str:
    given = call.arguments
    return given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()


def _delta(delta: schema.ChatDelta) -> pb.Message:
    return pb.Message(
        role=delta.role or "",
        content=delta.content or "",
        reasoning_content=delta.reasoning_content or "",
        tool_calls=[
            pb.ToolCall(
                id=piece.id or "",
                type=piece.type or "",
                index=piece.index,
                function=pb.FunctionCall(
                    name=piece.function.name or "", arguments=piece.function.arguments
                ),
            )
            for piece in delta.tool_calls or []
        ],
    )


def _usage(completion: schema.Completion) -> pb.Usage | None:
    usage = completion.usage
    if not isinstance(usage, schema.Usage):
        return None
    return pb.Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cached_tokens=usage.prompt_tokens_details.cached_tokens,
        reasoning_tokens=usage.completion_tokens_details.reasoning_tokens,
    )


def _logprobs(explained: schema.ChatLogprobs | schema.TextLogprobs | None) -> Struct | None:
    if explained is None:
        return None
    struct = Struct()
    struct.update(msgspec.to_builtins(explained))
    return struct


def _vector(item: schema.Embedding) -> pb.Embedding:
    if isinstance(item.embedding, str):
        return pb.Embedding(object=item.object, index=item.index, base64=item.embedding)
    return pb.Embedding(object=item.object, index=item.index, embedding=item.embedding)
