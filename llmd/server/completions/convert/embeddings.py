"""Embeddings, both directions: requests to questions, replies to objects. Pure."""

from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt

from llmd.errors import InvalidRequest
from llmd.protocol.models import ModelManifest
from llmd.protocol.questions import Embed, Embeddings, Pooling
from llmd.server.completions import schema
from llmd.server.completions.convert.requests import uniform


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
