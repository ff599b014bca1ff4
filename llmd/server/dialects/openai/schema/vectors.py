"""Embeddings and reranking."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/embeddings`."""

    input: str | list[str | int | list[int]]
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    truncate: bool | None = None
    pooling: Literal["mean", "cls", "last"] | None = None
    keep_alive: str | float | None = None
    ttl: Annotated[int, Meta(ge=0)] | None = None


class Document(msgspec.Struct, frozen=True):
    """A document to rank."""

    text: str


class RerankRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/rerank`, as Jina and Cohere have it."""

    query: str
    documents: list[str | Document]
    model: str | None = None
    top_n: Annotated[int, Meta(ge=1)] | None = None
    return_documents: bool | None = None
    truncate: bool | None = None
    raw_scores: bool | None = None
    keep_alive: str | float | None = None
    ttl: Annotated[int, Meta(ge=0)] | None = None


class RankedDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """One document's score; `index` is its place in the request."""

    index: int
    relevance_score: float
    document: Document | None = None


class RerankList(msgspec.Struct, frozen=True):
    """The answer to a rerank request, best first."""

    results: list[RankedDocument]
    model: str
    usage: EmbeddingUsage
    object: str = "list"


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
