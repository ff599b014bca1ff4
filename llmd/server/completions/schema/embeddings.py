"""Embeddings."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/embeddings`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"input": ["Paris is a city.", "Cats sleep."]}
    input: str | list[str | int | list[int]]
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    truncate: bool | None = None
    pooling: Literal["mean", "cls", "last"] | None = None
    keep_alive: str | float | None = None
    ttl: Annotated[int, Meta(ge=0)] | None = None


class Embedding(msgspec.Struct, frozen=True):
    """One vector, as numbers or as base64 of little-endian float32."""

    index: int
    embedding: list[float] | str
    object: str = "embedding"


class EmbeddingUsage(msgspec.Struct, frozen=True):
    """Tokens of all inputs."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(msgspec.Struct, frozen=True):
    """The answer to an embedding request."""

    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
    object: str = "list"
