from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from llmd.config.settings import EngineSettings, PoolSettings
from llmd.errors import PoisonRequest, WorkerDied
from llmd.protocol.events import Accepted, Delta
from llmd.protocol.placement import LoadOptions
from llmd.protocol.questions import Embed, Embeddings
from llmd.protocol.requests import GenerateRequest, TextPrompt
from llmd.runtime.orders import Orders
from llmd.runtime.pool import Pool
from llmd.runtime.replay import Replay
from llmd.runtime.supervisor import Cause
from llmd.telemetry.metrics import Metrics
from tests.fakes.moments import moment
from tests.fakes.planner import FakePlanner
from tests.fakes.worker import FakeStarts, manifest

MODEL = manifest()


class Scene:
    """A replay over fake workers."""

    def __init__(self) -> None:
        self.starts = FakeStarts()
        self.pool = Pool(
            PoolSettings(), Orders(EngineSettings()).load, FakePlanner(), Metrics(), self.starts
        )
        self.replay = Replay(self.pool)

    def ask(self, text: str) -> asyncio.Task[str]:
        return asyncio.ensure_future(self._answer(text))

    async def _answer(self, text: str) -> str:
        words, accepted = [], 0
        async with aclosing(
            self.replay.generate(MODEL, GenerateRequest(prompt=TextPrompt(text)))
        ) as events:
            async for event in events:
                if isinstance(event, Delta):
                    words.append(event.text)
                accepted += isinstance(event, Accepted)
        assert accepted == 1
        return " ".join(words)

    async def workers(self, number: int) -> None:
        while len(self.starts.workers) < number or self.starts.workers[-1].running == 0:
            await asyncio.sleep(0.001)


async def test_an_undisturbed_request_runs_once() -> None:
    scene = Scene()
    assert await scene.ask("a b c") == "a b c"
    assert scene.starts.workers[0].served == ["a b c"]
    await scene.pool.close()


async def test_a_silent_request_is_run_again_on_a_new_worker() -> None:
    scene = Scene()
    scene.starts.held = True
    asking = scene.ask("a b")
    await scene.workers(1)
    scene.starts.held = False
    scene.starts.workers[0].die()
    assert await asking == "a b"
    assert len(scene.starts.workers) == 2
    await scene.pool.close()


async def test_a_request_that_had_shown_text_fails_and_may_be_sent_again() -> None:
    scene = Scene()
    events = scene.replay.generate(MODEL, GenerateRequest(prompt=TextPrompt("a b")))
    assert isinstance(await anext(events), Accepted)
    assert isinstance(await anext(events), Delta)
    scene.starts.workers[0].hold()
    scene.starts.workers[0].die(Cause.OOM)
    with pytest.raises(WorkerDied) as caught:
        await anext(events)
    assert not isinstance(caught.value, PoisonRequest)
    assert caught.value.details["cause"] == "oom"
    assert caught.value.retry_after
    await scene.pool.close()


async def test_of_several_suspects_only_the_one_that_kills_again_is_named() -> None:
    scene = Scene()
    scene.starts.held = True
    asked = {text: scene.ask(text) for text in ("good", "poison", "fine")}
    while not scene.starts.workers or scene.starts.workers[0].running < 3:
        await asyncio.sleep(0.001)
    scene.starts.held = False
    scene.starts.poison = "poison"
    scene.starts.workers[0].die()
    with pytest.raises(PoisonRequest):
        await asked["poison"]
    assert await asked["fine"] == "fine"
    # it showed text, which let the poison in beside it: lost, but not accused
    with pytest.raises(WorkerDied) as caught:
        await asked["good"]
    assert not isinstance(caught.value, PoisonRequest)
    await scene.pool.close()


async def test_new_requests_wait_while_a_suspect_runs_alone() -> None:
    scene = Scene()
    scene.starts.held = True
    suspect = scene.ask("suspect")
    await scene.workers(1)
    scene.starts.workers[0].die()
    await scene.workers(2)
    newcomer = scene.ask("newcomer")
    await moment()
    assert scene.starts.workers[1].served == ["suspect"]
    scene.starts.workers[1].go.set()
    assert await suspect == "suspect"
    assert await newcomer == "newcomer"
    await scene.pool.close()


async def test_a_suspect_frees_the_others_once_it_shows_text() -> None:
    scene = Scene()
    scene.starts.held = True
    events = scene.replay.generate(MODEL, GenerateRequest(prompt=TextPrompt("a b c")))
    assert isinstance(await anext(events), Accepted)
    step = asyncio.ensure_future(anext(events))
    await moment()
    scene.starts.workers[0].die()
    await scene.workers(2)
    scene.starts.workers[1].go.set()
    assert isinstance(await step, Delta)
    assert await scene.ask("other") == "other"
    await events.aclose()
    await scene.pool.close()


async def test_an_unload_on_purpose_is_not_replayed() -> None:
    scene = Scene()
    scene.starts.held = True
    asking = scene.ask("a")
    await scene.workers(1)
    await scene.pool.unload("m")
    with pytest.raises(WorkerDied) as caught:
        await asking
    assert caught.value.details["cause"] == "stopped"
    assert len(scene.starts.workers) == 1


async def test_embedding_is_replayed_too_and_named_the_second_time() -> None:
    scene = Scene()
    scene.starts.held = True

    def embed() -> asyncio.Task[object]:
        return asyncio.ensure_future(scene.replay.ask(MODEL, Embed(["x"]), Embeddings))  # type: ignore[arg-type]

    asking = embed()
    await scene.workers(1)
    scene.starts.workers[0].die(lived=100)
    await scene.workers(2)
    scene.starts.workers[1].die(lived=100)
    with pytest.raises(PoisonRequest):
        await asking
    scene.starts.held = False
    await embed()
    await scene.pool.close()


async def test_beside_other_workers_a_replay_holds_nobody_up() -> None:
    scene = Scene()
    async for _ in scene.pool.load(MODEL, LoadOptions(instances=2)):
        pass
    for worker in scene.starts.workers:
        worker.hold()
    first, second = scene.ask("a b"), scene.ask("c d")
    while any(worker.running == 0 for worker in scene.starts.workers):
        await asyncio.sleep(0.001)
    dying, living = scene.starts.workers
    scene.starts.held = True
    dying.die()
    while len(scene.starts.workers) < 3 or not scene.starts.workers[2].running:
        await asyncio.sleep(0.001)
    assert scene.starts.workers[2].served == dying.served, "tried alone, in the new one"
    other = scene.ask("e f")
    living.go.set()
    assert await other == "e f"
    scene.starts.workers[2].go.set()
    assert {await first, await second} == {"a b", "c d"}
    await scene.pool.close()
