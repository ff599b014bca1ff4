from __future__ import annotations

import base64

import msgspec
import numpy as np
import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.models import Kind
from llmd.protocol.questions import Embed, Embeddings, Pooling
from llmd.server.completions import schema
from llmd.server.completions.convert import embeddings as vectors
from llmd.server.http.body import decode_json
from tests.fakes.worker import manifest

MODEL = manifest(kind=Kind.EMBEDDING)


def embedding(**fields: object) -> schema.EmbeddingRequest:
    body = {"input": "x", **fields}
    return decode_json(msgspec.json.encode(body), schema.EmbeddingRequest)


def embeddings(count: int) -> Embeddings:
    rows = np.eye(count, 4, dtype="<f4") * 0.6 + 0.4
    return Embeddings(4, [row.tobytes() for row in rows], 7)


def test_the_four_forms_of_an_input() -> None:
    assert vectors.embed(embedding()).inputs == ["x"]
    assert vectors.embed(embedding(input=["a", "b"])).inputs == ["a", "b"]
    assert vectors.embed(embedding(input=[1, 2])).inputs == [[1, 2]]
    assert vectors.embed(embedding(input=[[1], [2, 3]])).inputs == [[1], [2, 3]]


def test_pooling_and_truncation_are_wishes() -> None:
    assert vectors.embed(embedding()) == Embed(["x"])
    asked = embedding(pooling="last", truncate=True)
    assert vectors.embed(asked) == Embed(["x"], truncate=True, pooling=Pooling.LAST)
    with pytest.raises(InvalidRequest) as caught:
        embedding(pooling="rank")
    assert caught.value.param == "pooling"


def test_vectors_as_numbers_and_as_base64() -> None:
    plain = vectors.embedding_list(embedding(), MODEL, embeddings(2))
    packed = vectors.embedding_list(embedding(encoding_format="base64"), MODEL, embeddings(2))
    for index in range(2):
        raw = packed.data[index].embedding
        assert isinstance(raw, str)
        assert np.frombuffer(base64.b64decode(raw), "<f4").tolist() == plain.data[index].embedding
    assert plain.usage.total_tokens == 7


def test_fewer_dimensions_are_cut_and_normalised_and_more_refused() -> None:
    vector = vectors.embedding_list(embedding(dimensions=2), MODEL, embeddings(1)).data[0].embedding
    assert np.linalg.norm(vector) == pytest.approx(1)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest):
        vectors.embedding_list(embedding(dimensions=5), MODEL, embeddings(1))
