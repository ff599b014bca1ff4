from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from pathlib import Path

import pytest

from llmd.errors import (
    Draining,
    InvalidRequest,
    ModelNotFound,
    NoModel,
    NotFound,
    RequestCancelled,
    Unauthorized,
    WorkerDied,
)
from llmd.models.presets.recipe import Recipe
from llmd.protocol.callers import Caller
from llmd.protocol.events import Accepted, Delta, Finished
from llmd.protocol.models import Kind
from llmd.protocol.questions import Embed, Embeddings, Render, Rendered
from llmd.protocol.requests import ChatPrompt, GenerateRequest, TextPrompt
from tests.unit.services.conftest import Bench


def ask(*texts: str) -> list[GenerateRequest]:
    return [GenerateRequest(prompt=TextPrompt(text)) for text in texts]


async def test_one_prompt_gives_its_events_in_order(bench: Bench) -> None:
    generation = bench.services.generation
    events = [event async for event in generation.stream(generation.resolve(None), ask("a b"))]
    assert [index for index, _ in events] == [0] * 4
    assert [type(event) for _, event in events] == [Accepted, Delta, Delta, Finished]
    await bench.pool.close()


async def test_several_prompts_run_together_and_keep_their_index(bench: Bench) -> None:
    generation = bench.services.generation
    texts: Counter[tuple[int, str]] = Counter()
    async for index, event in generation.stream(generation.resolve(None), ask("a", "b b", "c")):
        if isinstance(event, Delta):
            texts[index, event.text] += 1
    assert texts == {(0, "a"): 1, (1, "b"): 2, (2, "c"): 1}
    await bench.pool.close()


async def test_the_first_failure_cancels_the_others(bench: Bench) -> None:
    generation = bench.services.generation
    bench.starts.held = True
    events = generation.stream(generation.resolve(None), ask("a", "b"))
    async with aclosing(events):
        await anext(events)
        await anext(events)
        await bench.pool.unload("llmd-tiny")
        with pytest.raises(WorkerDied):
            await anext(events)
    assert bench.gate.inside == 0


async def test_closing_a_stream_cancels_all_its_sequences(bench: Bench) -> None:
    generation = bench.services.generation
    bench.starts.held = True
    async with aclosing(generation.stream(generation.resolve(None), ask("a", "b", "c"))) as events:
        for _ in range(3):
            await anext(events)
        assert bench.starts.workers[0].running == 3
    assert bench.starts.workers[0].running == 0
    assert bench.gate.inside == 0
    assert (
        'llmd_requests_total{outcome="cancelled"} 3.0' in bench.services.metrics.render().decode()
    )
    await bench.pool.close()


async def test_figures_are_kept(bench: Bench) -> None:
    generation = bench.services.generation
    async for _ in generation.stream(generation.resolve(None), ask("a b c")):
        pass
    text = bench.services.metrics.render().decode()
    assert 'llmd_tokens_total{kind="completion",model="llmd-tiny"} 3.0' in text
    assert 'llmd_requests_total{outcome="stop"} 1.0' in text
    assert 'llmd_inference_seconds_count{model="llmd-tiny"} 1.0' in text
    await bench.pool.close()


async def test_a_draining_daemon_takes_nothing_new(bench: Bench) -> None:
    generation = bench.services.generation
    bench.gate.close()
    with pytest.raises(Draining):
        await anext(generation.stream(generation.resolve(None), ask("a")))
    with pytest.raises(Draining):
        await generation.ask(generation.resolve(None), Embed(["a"]), Embeddings)


async def test_embedding_gives_a_vector_an_input(bench: Bench) -> None:
    generation = bench.services.generation
    result = await generation.ask(
        generation.resolve("llmd-tiny", Kind.EMBEDDING), Embed(["a", "b"]), Embeddings
    )
    assert len(result.vectors) == 2
    await bench.pool.close()


def test_which_model_answers(
    bench: Bench, embedding_model: Path, tmp_path: Path, tiny_model: Path
) -> None:
    resolve = bench.services.generation.resolve
    assert {resolve(name).name for name in (None, "", "default", "llmd-tiny")} == {"llmd-tiny"}
    with pytest.raises(ModelNotFound):
        resolve("nothing-like-it")
    with pytest.raises(ModelNotFound) as refused:
        resolve(None, Kind.EMBEDDING)
    assert refused.type is ModelNotFound
    bench.store.register(embedding_model, "minilm")
    assert resolve(None, Kind.EMBEDDING).name == "minilm"
    with pytest.raises(InvalidRequest):
        resolve("minilm")
    configured = Bench(tmp_path / "models", tiny_model, default="minilm")
    with pytest.raises(InvalidRequest):
        configured.services.generation.resolve(None)
    astray = Bench(tmp_path / "models", tiny_model, default="gone").services.generation
    for name in (None, "", "default"):
        with pytest.raises(NoModel):
            astray.resolve(name)


async def test_a_preset_is_laid_upon_conversations(bench: Bench) -> None:
    recipe = Recipe(base="llmd-tiny", system="Arr")
    await bench.services.presets.create("pirate", None, "", recipe)
    generation = bench.services.generation
    model = generation.resolve("pirate")
    asked = ChatPrompt([{"role": "user", "content": "Hi"}])
    rendered = await generation.ask(model, Render(asked), Rendered)
    assert rendered.text == "ArrHi"
    own = ChatPrompt([{"role": "system", "content": "Ahem"}, *asked.messages])
    assert (await generation.ask(model, Render(own), Rendered)).text == "AhemHi"
    plain = generation.resolve("llmd-tiny")
    assert (await generation.ask(plain, Render(asked), Rendered)).text == "Hi"
    await bench.pool.close()


async def test_a_revoked_key_ends_its_answers_and_frees_their_places(bench: Bench) -> None:
    generation, revocations = bench.services.generation, bench.accounts.revocations
    bench.starts.held = True
    caller = Caller(key="k")
    model = generation.resolve(None)
    async with (
        aclosing(generation.stream(model, ask("a", "b"), caller)) as hers,
        aclosing(generation.stream(model, ask("c"), Caller(key="other"))) as others,
    ):
        for stream, count in ((hers, 2), (others, 1)):
            for _ in range(count):
                await anext(stream)
        assert bench.starts.workers[0].running == 3
        revocations.revoke_key("k")
        with pytest.raises(Unauthorized):
            await anext(hers)
        assert bench.starts.workers[0].running == 1
    assert bench.gate.inside == 0
    ended = bench.services.requests.list().ended
    assert "unauthorized" in {report.reason for report in ended}


async def test_a_cancelled_request_whose_client_reads_nothing_takes_no_more_of_the_model(
    bench: Bench,
) -> None:
    generation, requests = bench.services.generation, bench.services.requests
    bench.starts.held = True
    async with aclosing(generation.stream(generation.resolve(None), ask("a"))) as answer:
        await anext(answer)
        (live,) = requests.list().live
        requests.cancel(live.id)
        async with asyncio.timeout(5):
            while bench.starts.workers[0].running:
                await asyncio.sleep(0)
        (told,) = requests.list().live
        assert told.reason == "request_cancelled"
        with pytest.raises(RequestCancelled):
            await anext(answer)
    assert [one.state for one in requests.list().ended] == ["cancelled"]


async def test_a_request_that_is_cancelled_by_hand_ends_with_an_error_and_frees_its_place(
    bench: Bench,
) -> None:
    generation, requests = bench.services.generation, bench.services.requests
    bench.starts.held = True
    model = generation.resolve(None)
    async with (
        aclosing(generation.stream(model, ask("a"))) as one,
        aclosing(generation.stream(model, ask("b"))) as other,
    ):
        await anext(one)
        await anext(other)
        first, second = requests.list().live
        assert requests.cancel(first.id).id == first.id
        with pytest.raises(RequestCancelled):
            await anext(one)
        assert [report.id for report in requests.list().live] == [second.id]
        assert bench.starts.workers[0].running == 1
    ended = {report.id: report for report in requests.list().ended}
    assert (ended[first.id].state, ended[first.id].reason) == ("cancelled", "request_cancelled")
    assert (ended[second.id].state, ended[second.id].reason) == ("cancelled", "")
    with pytest.raises(NotFound, match=f"No request {first.id} is under way"):
        requests.cancel(first.id)
