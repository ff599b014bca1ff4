"""Routes over fake workers; the official client against a real model is in tests/integration."""

from __future__ import annotations

import json
from pathlib import Path

from llmd.errors import QueueFull
from llmd.protocol.events import Queued, Reading
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench


async def test_a_whole_completion(connect: Connect) -> None:
    response = await (await connect()).post("/v1/completions", json={"prompt": ["a b", "c"]})
    body = await response.json()
    assert [choice["text"] for choice in body["choices"]] == ["ab", "c"]
    assert body["usage"]["completion_tokens"] == 3


async def test_a_streamed_completion_of_several_prompts(connect: Connect) -> None:
    body = {"prompt": ["a b", "c"], "stream": True, "stream_options": {"include_usage": True}}
    response = await (await connect()).post("/v1/completions", json=body)
    events = [
        line[6:] for line in (await response.read()).split(b"\n\n") if line.startswith(b"data: ")
    ]
    assert events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    texts = ["", ""]
    for chunk in chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    assert texts == ["ab", "c"]
    assert chunks[-1]["usage"]["total_tokens"] == 6


async def test_a_refused_stream_gets_its_status(bench: Bench, connect: Connect) -> None:
    bench.starts.fail = [QueueFull("full", retry_after=3)]
    response = await (await connect()).post("/v1/completions", json={"prompt": "a", "stream": True})
    assert response.status == 429
    assert response.headers["Retry-After"] == "3"


async def test_embeddings_and_models(connect: Connect) -> None:
    client = await connect()
    response = await client.post("/v1/embeddings", json={"model": "llmd-tiny", "input": ["a", "b"]})
    assert [item["index"] for item in (await response.json())["data"]] == [0, 1]
    listed = await (await client.get("/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == ["llmd-tiny"]
    assert (await (await client.get("/v1/models/llmd-tiny")).json())["object"] == "model"
    assert (await client.get("/v1/models/other")).status == 404


async def test_documents_are_ranked_by_a_reranker_only(
    bench: Bench, connect: Connect, reranker_model: Path
) -> None:
    client = await connect()
    body = {"query": "q", "documents": ["aa", {"text": "aaaa"}, "a"], "top_n": 2}
    refused = await client.post("/v1/rerank", json={**body, "model": "llmd-tiny"})
    assert refused.status == 400
    assert "cannot rank" in (await refused.json())["error"]["message"]
    assert (await client.post("/v1/rerank", json=body)).status == 404
    bench.store.register(reranker_model)
    for path in ("/v1/rerank", "/rerank"):
        found = await (await client.post(path, json=body)).json()
        assert [item["index"] for item in found["results"]] == [1, 0]
    for path in ("/v1/embeddings", "/v1/completions"):
        asked = {"model": "ranker", "input": "x", "prompt": "x"}
        assert (await client.post(path, json=asked)).status == 400


async def test_texts_and_tokens_there_and_back(connect: Connect) -> None:
    client = await connect(tcp=True)
    for prefix in ("", "/v1"):
        found = await (await client.post(f"{prefix}/tokenize", json={"content": "hi"})).json()
        assert found == {"tokens": [104, 105], "count": 2}
        back = await client.post(f"{prefix}/detokenize", json={"tokens": found["tokens"]})
        assert await back.json() == {"content": "hi"}
        asked = {"messages": [{"role": "user", "content": "hi"}]}
        prompt = await client.post(f"{prefix}/apply-template", json=asked)
        assert await prompt.json() == {"prompt": "hi", "count": 2}


async def test_wrong_questions_are_refused_in_the_shape_of_the_dialect(connect: Connect) -> None:
    client = await connect(tcp=True)
    for path, body, param in (
        ("/tokenize", {}, "content"),
        ("/detokenize", {"tokens": "x"}, "tokens"),
        ("/v1/apply-template", {}, "messages"),
        ("/rerank", {"query": "q", "documents": []}, "documents"),
    ):
        response = await client.post(path, json=body)
        assert response.status == 400
        assert (await response.json())["error"]["param"] == param


async def test_a_prompt_is_echoed_with_its_logprobs(connect: Connect) -> None:
    client = await connect()
    body = {"prompt": ["a b", "c"], "echo": True, "logprobs": 0, "max_tokens": 0}
    choices = (await (await client.post("/v1/completions", json=body)).json())["choices"]
    assert [choice["text"] for choice in choices] == ["a b", "c"]
    assert choices[0]["logprobs"]["token_logprobs"] == [None, -0.5, -0.5]
    body = {"prompt": "a b", "echo": True}
    (choice,) = (await (await client.post("/v1/completions", json=body)).json())["choices"]
    assert choice["text"] == "a bab"


async def test_an_answer_tells_how_long_the_line_was(bench: Bench, connect: Connect) -> None:
    client = await connect()
    await client.post("/v1/completions", json={"prompt": "a"})
    bench.starts.workers[0].news = [Queued(3, 2.14), Queued(0, 0.5), Reading(1, 0)]
    for stream in (False, True):
        response = await client.post("/v1/completions", json={"prompt": "a", "stream": stream})
        assert response.headers["X-LLMD-Queue-Position"] == "3"
        assert response.headers["X-LLMD-Estimated-Wait"] == "2.1"
        text = await response.read()
    events = [event for event in text.split(b"\n\n") if event and not event.startswith(b": ping")]
    assert events[:2] == [b": queued position=3 wait=2.1", b": queued position=0 wait=0.5"]
    assert events[-1] == b"data: [DONE]"


async def test_a_wish_that_needs_a_reload_is_a_header_or_a_refusal(connect: Connect) -> None:
    client = await connect()
    body = {"prompt": "a b", "keep_alive": "7m"}
    first = await client.post("/v1/completions", json=body)
    assert "X-LLMD-Would-Reload" not in first.headers
    (row,) = (await (await client.get("/control/ps")).json())["models"]
    assert row["keep_alive"] == 420
    served = await client.post("/v1/completions", json={**body, "num_ctx": 2048})
    assert served.status == 200
    assert served.headers["X-LLMD-Would-Reload"] == "context_length"
    refused = await client.post(
        "/v1/completions", json={**body, "num_ctx": 2048, "mismatch": "refuse"}
    )
    assert (refused.status, (await refused.json())["error"]["param"]) == (400, "context_length")
    wrong = await client.post("/v1/completions", json={**body, "keep_alive": "soon"})
    assert (wrong.status, (await wrong.json())["error"]["param"]) == (400, "keep_alive")


async def test_embeddings_may_say_how_long_their_model_stays(connect: Connect) -> None:
    client = await connect()
    body = {"model": "llmd-tiny", "input": "a", "keep_alive": -1}
    assert (await client.post("/v1/embeddings", json=body)).status == 200
    (row,) = (await (await client.get("/control/ps")).json())["models"]
    assert (row["keep_alive"], row["expires_in"]) == (None, None)


async def test_a_picture_without_a_model_goes_to_one_that_sees(
    bench: Bench, connect: Connect
) -> None:
    import msgspec

    bench.store.copy("llmd-tiny", "eye")
    bench.store.change("eye", lambda model: msgspec.structs.replace(model, vision=True))
    bench.store.copy("llmd-tiny", "newest")
    pixel = (
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
        "WjR9awAAAABJRU5ErkJggg=="
    )
    content = [{"type": "image_url", "image_url": {"url": pixel}}]
    body = {"messages": [{"role": "user", "content": content}]}
    # the fake worker answers plain texts only; that it was asked is what counts
    await (await connect()).post("/v1/chat/completions", json=body)
    assert [worker.name for worker in bench.starts.workers] == ["eye"]
