"""Embeddings, both directions: requests to questions, replies to objects. Pure.

NumPy would cost the daemon 10 MiB, and is no quicker at making lists of numbers.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array

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
        schema.Embedding(index, _encoded(request, raw)) for index, raw in enumerate(result.vectors)
    ]
    return schema.EmbeddingList(
        data, model.name, schema.EmbeddingUsage(result.tokens, result.tokens)
    )


def _encoded(request: schema.EmbeddingRequest, raw: bytes) -> list[float] | str:
    """Return a vector of little-endian float32 in the form asked for."""
    if request.dimensions:
        cut = _floats(raw)[: request.dimensions]
        length = math.hypot(*cut) or 1.0
        raw = _swapped(array("f", (value / length for value in cut))).tobytes()
    return (
        base64.b64encode(raw).decode()
        if request.encoding_format == "base64"
        else _floats(raw).tolist()
    )


def _floats(raw: bytes) -> array[float]:
    found = array("f")
    found.frombytes(raw)
    return _swapped(found)


def _swapped(values: array[float]) -> array[float]:
    """Turn what is in this machine's order into little-endian, or back."""
    if sys.byteorder == "big":  # pragma: no cover  no machine of ours
        values.byteswap()
    return values
