from __future__ import annotations

import math

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.models import Kind
from llmd.protocol.questions import Ranking, Rerank
from llmd.server.dialects.openai import schema
from llmd.server.dialects.openai.convert import reranking
from llmd.server.http.body import decode_json
from tests.fakes.worker import manifest

MODEL = manifest(kind=Kind.EMBEDDING)


def rerank(*documents: object, **fields: object) -> schema.RerankRequest:
    body = {"query": "q", "documents": documents, **fields}
    return decode_json(msgspec.json.encode(body), schema.RerankRequest)


def test_documents_are_texts_or_objects_with_one() -> None:
    asked = rerank("a", {"text": "b"}, truncate=True)
    assert reranking.rerank(asked) == Rerank("q", ["a", "b"], truncate=True)


def ranked(
    scores: list[float], *, probabilities: bool = False, **fields: object
) -> schema.RerankList:
    asked = rerank(*"abc"[: len(scores)], **fields)
    ranking = Ranking(scores, 9, probabilities)
    return reranking.ranking(asked, MODEL, reranking.rerank(asked), ranking)


def test_the_best_document_comes_first_with_its_place_in_the_request() -> None:
    found = ranked([-1.0, 3.0, 0.0])
    assert [item.index for item in found.results] == [1, 2, 0]
    assert found.results[1].relevance_score == 0.5
    assert found.results[0].relevance_score == pytest.approx(1 / (1 + math.exp(-3)), abs=1e-6)
    assert found.usage.total_tokens == 9
    assert [item.index for item in ranked([1.0, 2.0, 3.0], top_n=2).results] == [2, 1]


def test_probabilities_and_raw_scores_stay_as_they_are() -> None:
    assert ranked([0.2], probabilities=True).results[0].relevance_score == 0.2
    assert ranked([-7.5], raw_scores=True).results[0].relevance_score == -7.5


def test_extreme_logits_still_sort() -> None:
    found = ranked([-1000.0, 1000.0, 900.0])
    assert [item.index for item in found.results] == [1, 2, 0]
    assert [item.relevance_score for item in found.results] == [1.0, 1.0, 0.0]


def test_documents_come_back_for_those_who_ask() -> None:
    shown = msgspec.to_builtins(ranked([1.0], return_documents=True))
    assert shown["results"][0]["document"] == {"text": "a"}
    assert "document" not in msgspec.to_builtins(ranked([1.0]))["results"][0]


@pytest.mark.parametrize("documents", [[], ["x"] * 10_001])
def test_no_document_or_too_many_are_refused(documents: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        reranking.rerank(rerank(*documents))
    assert caught.value.param == "documents"
