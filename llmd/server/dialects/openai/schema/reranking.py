"""Documents sorted by a query."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from llmd.server.completions.schema import EmbeddingUsage


class Document(msgspec.Struct, frozen=True):
    """A document to rank."""

    text: str


class RerankRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/rerank`, as Jina and Cohere have it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "query": "What is the capital of France?",
        "documents": ["Cats sleep.", "Paris is the capital of France."],
    }
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
