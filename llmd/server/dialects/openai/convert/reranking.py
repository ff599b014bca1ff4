"""Reranking, both directions: requests to questions, replies to objects. Pure."""

from __future__ import annotations

import math

from llmd.errors import InvalidRequest
from llmd.protocol.models import ModelManifest
from llmd.protocol.questions import Ranking, Rerank
from llmd.server.completions.schema import EmbeddingUsage
from llmd.server.dialects.openai import schema

_MAX_DOCUMENTS = 10_000


def rerank(request: schema.RerankRequest) -> Rerank:
    """Return the native question."""
    if not request.documents:
        raise InvalidRequest(
            "documents is empty.", hint="Send at least one text.", param="documents"
        )
    if len(request.documents) > _MAX_DOCUMENTS:
        raise InvalidRequest(
            f"documents holds more than {_MAX_DOCUMENTS} texts.",
            hint="Send them in several requests.",
            param="documents",
        )
    texts = [
        document if isinstance(document, str) else document.text for document in request.documents
    ]
    return Rerank(request.query, texts, truncate=bool(request.truncate))


def ranking(
    request: schema.RerankRequest, model: ModelManifest, question: Rerank, result: Ranking
) -> schema.RerankList:
    """Return the best documents first. Scores lie between 0 and 1 as Jina and Cohere have them:
    logits go through the sigmoid unless `raw_scores` asks for them as they are.
    """
    plain = result.probabilities or bool(request.raw_scores)
    scores = result.scores if plain else [_sigmoid(score) for score in result.scores]
    order = sorted(range(len(scores)), key=lambda index: -result.scores[index])
    shows = bool(request.return_documents)
    found = [
        schema.RankedDocument(
            index,
            round(scores[index], 6),
            schema.Document(question.documents[index]) if shows else None,
        )
        for index in order[: request.top_n]
    ]
    usage = EmbeddingUsage(result.tokens, result.tokens)
    return schema.RerankList(found, model.name, usage)


def _sigmoid(logit: float) -> float:
    # either form overflows on one side
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
