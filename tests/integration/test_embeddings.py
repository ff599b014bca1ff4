"""Embeddings, reranking and tokens of real models, through real daemons."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest

from tests.fakes.rerankers import write_decoder
from tests.integration.conftest import Daemon, UnixConnection, wait_for

SENTENCES = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
]
"""The example of the Sentence Transformers quickstart, whose cosines are published."""

DOCUMENTS = ["Berlin is a city.", "巴黎是法国的首都。", "Bananas are yellow.", ""]


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, embedding_model: Path, reranker_model: Path
) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("vectors")
    daemon = Daemon(folder / "home").start()
    for path, name in (
        (embedding_model, "minilm"),
        (reranker_model, "encoder"),
        (write_decoder(folder / "decoder.gguf"), "decoder"),
    ):
        made = daemon.call("POST", "/control/models/import", {"path": str(path), "name": name})
        assert made["name"] == name
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture(scope="module")
def client(server: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="any", max_retries=0) as client:
        yield client


def vectors(client: openai.OpenAI, texts: list[str], **fields: object) -> list[np.ndarray]:
    result = client.embeddings.create(model="minilm", input=texts, **fields)  # type: ignore[arg-type]
    return [np.array(item.embedding) for item in result.data]


def test_cosines_are_the_published_ones(client: openai.OpenAI) -> None:
    weather, sunny, stadium = vectors(client, SENTENCES)
    assert weather @ sunny == pytest.approx(0.6660, abs=0.03)
    assert weather @ stadium == pytest.approx(0.1046, abs=0.03)
    assert sunny @ stadium == pytest.approx(0.1411, abs=0.03)


def test_forms_of_vectors(client: openai.OpenAI) -> None:
    [packed] = vectors(client, SENTENCES[:1])
    [plain] = vectors(client, SENTENCES[:1], encoding_format="float")
    assert packed == pytest.approx(plain, abs=1e-6)
    [short] = vectors(client, SENTENCES[:1], dimensions=64)
    assert short.shape == (64,)
    assert short @ plain[:64] == pytest.approx(np.linalg.norm(plain[:64]), abs=1e-4)
    [first] = vectors(client, SENTENCES[:1], extra_body={"pooling": "cls"})
    assert first @ plain < 0.999


async def test_many_clients_at_once_get_the_vectors_they_would_get_alone(server: Daemon) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{server.address}/v1", api_key="any", max_retries=0
    ) as client:

        async def one(number: int) -> list[np.ndarray]:
            texts = [
                f"sentence {number} of {place} " * (place + 1) for place in range(number % 4 + 1)
            ]
            result = await client.embeddings.create(model="minilm", input=texts)
            return [np.array(item.embedding) for item in result.data]

        together = await asyncio.gather(*(one(number) for number in range(60)))
        for number in (0, 23, 59):
            for found, alone in zip(together[number], await one(number), strict=True):
                assert found @ alone > 0.999


def test_a_client_that_leaves_takes_its_inputs_with_it(server: Daemon) -> None:
    connection = UnixConnection(server.socket)
    texts = [f"{number} " * 200 for number in range(2000)]
    body = json.dumps({"model": "minilm", "input": texts})
    connection.request("POST", "/v1/embeddings", body)
    wait_for(lambda: (server.loaded("minilm") or {}).get("running"))
    connection.close()
    wait_for(lambda: (server.loaded("minilm") or {}).get("running") == 0)
    answer = server.call("POST", "/v1/embeddings", {"model": "minilm", "input": "a"})
    assert len(answer["data"]) == 1


def test_tokens_instead_of_text(server: Daemon, client: openai.OpenAI) -> None:
    asked = {"model": "minilm", "content": SENTENCES[0], "add_special": True}
    tokens = server.call("POST", "/v1/tokenize", asked)["tokens"]
    result = client.embeddings.create(model="minilm", input=[tokens])
    assert np.array(result.data[0].embedding) @ vectors(client, SENTENCES[:1])[0] > 0.9999


def test_an_input_too_long_is_refused_by_its_place_unless_it_may_be_cut(
    client: openai.OpenAI,
) -> None:
    texts = ["short", "word " * 600]
    with pytest.raises(openai.BadRequestError, match=r"input\[1\]") as caught:
        vectors(client, texts)
    assert caught.value.code == "context_length_exceeded"
    assert len(vectors(client, texts, extra_body={"truncate": True})) == 2


@pytest.mark.parametrize("model", ["encoder", "decoder"])
def test_documents_are_ranked(server: Daemon, model: str) -> None:
    body = {"model": model, "query": "capital of France", "documents": DOCUMENTS}
    found = server.call("POST", "/v1/rerank", {**body, "return_documents": True})
    scores = [item["relevance_score"] for item in found["results"]]
    assert sorted(item["index"] for item in found["results"]) == [0, 1, 2, 3]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len(set(scores)) > 1
    for item in found["results"]:
        assert item["document"]["text"] == DOCUMENTS[item["index"]]
    assert found["usage"]["total_tokens"] > 20
    top = server.call("POST", "/rerank", {**body, "top_n": 1})
    assert [item["index"] for item in top["results"]] == [found["results"][0]["index"]]


def test_a_score_does_not_depend_on_the_other_documents(server: Daemon) -> None:
    body = {"model": "encoder", "query": "q"}
    documents = [f"document {number} " * (number + 1) for number in range(30)]
    together = server.call("POST", "/v1/rerank", {**body, "documents": documents})["results"]
    for index in (0, 29):
        [alone] = server.call("POST", "/v1/rerank", {**body, "documents": [documents[index]]})[
            "results"
        ]
        found = next(item for item in together if item["index"] == index)
        assert found["relevance_score"] == pytest.approx(alone["relevance_score"], abs=0.01)


@pytest.mark.parametrize(
    ("model", "path", "says"),
    [
        ("minilm", "/v1/rerank", "it cannot rank"),
        ("llmd-tiny", "/v1/rerank", "it cannot rank"),
        ("encoder", "/v1/embeddings", "it cannot embed"),
        ("decoder", "/v1/completions", "it cannot generate text"),
    ],
)
def test_what_a_model_is_not_for_is_refused(
    server: Daemon, model: str, path: str, says: str
) -> None:
    body = {"model": model, "query": "q", "documents": ["d"], "input": "x", "prompt": "x"}
    answer = server.call("POST", path, body)
    assert says in answer["error"]["message"]
    assert answer["error"]["param"] == "model"


def test_texts_become_tokens_and_tokens_texts(server: Daemon) -> None:
    text = "Hello 你好 <|im_end|>"
    body = {"model": "llmd-tiny", "content": text, "with_pieces": True}
    found = server.call("POST", "/tokenize", body)
    assert found["tokens"][-1]["piece"] == "<|im_end|>"
    ids = [token["id"] for token in found["tokens"]]
    answer = server.call("POST", "/v1/detokenize", {"model": "llmd-tiny", "tokens": ids})
    assert answer == {"content": text}
    asked = {"model": "llmd-tiny", "messages": [{"role": "user", "content": "Hi"}]}
    prompt = server.call("POST", "/apply-template", asked)["prompt"]
    assert prompt.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    wrong = server.call("POST", "/detokenize", {"model": "llmd-tiny", "tokens": [10**7]})
    assert wrong["error"]["code"] == "invalid_request"
