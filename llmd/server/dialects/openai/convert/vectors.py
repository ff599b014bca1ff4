"""Embeddings and reranking, both directions: requests to questions, replies to objects. Pure."""

from __future__ import annotations

import base64
import math

import numpy as np
import numpy.typing as npt

from llmd.errors import InvalidRequest
from llmd.protocol.models import ModelManifest
from llmd.protocol.questions import Embed, Embeddings, Pooling, Ranking, Rerank
from llmd.server.dialects.openai import schema
from llmd.server.dialects.openai.convert.requests import uniform

_MAX_DOCUMENTS = 10_000


def embed(request: schema.EmbeddingRequest) -> Embed:
    """Return the native question."""
    value = request.input
    inputs: list[str | list[int]] = [value] if isinstance(value, str) else uniform(value, "input")
    pooling = Pooling(request.pooling) if request.pooling else Pooling.MODEL
    return Embed(inputs, truncate=bool(request.truncate), pooling=pooling)


def embedding_list(
    request: schema.EmbeddingRequest, model: ModelManifest, result: Embeddings
) -> schema.EmbeddingList:
    """Return the vectors in the form asked for; shorter ones are cut and normalised again
    (Matryoshka).
    """
    if request.dimensions and request.dimensions > result.width:
        raise InvalidRequest(
            f"This model's vectors have {result.width} dimensions.", param="dimensions"
        )
    data = [
        schema.Embedding(index, _encoded(request, np.frombuffer(raw, "<f4")))
        for index, raw in enumerate(result.vectors)
    ]
    return schema.EmbeddingList(
        data, model.name, schema.EmbeddingUsage(result.tokens, result.tokens)
    )


def _encoded(
    request: schema.EmbeddingRequest, vector: npt.NDArray[np.float32]
) -> list[float] | str:
    if request.dimensions:
        vector = vector[: request.dimensions]
        vector = vector / (np.linalg.norm(vector) or 1)
    if request.encoding_format == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(value) for value in vector]


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
    usage = schema.EmbeddingUsage(result.tokens, result.tokens)
    return schema.RerankList(found, model.name, usage)


def _sigmoid(logit: float) -> float:
    # either form overflows on one side
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
