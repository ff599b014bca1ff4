"""One download: who watches, at which hours it runs, how quickly."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llmd.config.hours import Hours
from llmd.errors import DownloadFailed, LlmdError, NameTaken
from llmd.models import courier as couriers
from llmd.models.child import Throttle
from llmd.models.courier import Accept, Conditions, Courier, PullEvent, Say
from llmd.models.ordering import Order
from llmd.models.pacing import Pacing
from llmd.models.sources.lines import Fetched, Named, Progress, Said, Terms
from llmd.models.store import ModelStore
from llmd.protocol.models import ModelManifest, PullProgress
from tests.fakes.moments import until

ORDER = Order("huggingface", ("acme/m", "", ""), "acme/m")
FETCHED = Fetched(["/m"], "acme/m", "main", "Q8_0", fresh=True)
NIGHT = Hours.parse("22:00-07:00")


Send = Callable[..., Courier]


class Clock:
    """A clock that the test sets."""

    def __init__(self, hour: int) -> None:
        self.now = datetime(2026, 3, 1, hour, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Source:
    """Takes the program's place; a line that is an error is raised."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[Said | LlmdError] = asyncio.Queue()
        self.throttles: list[Throttle] = []
        self.alive = 0

    @asynccontextmanager
    async def running(
        self, module: str, *arguments: str, throttle: Throttle, terms: Terms
    ) -> AsyncIterator[AsyncIterator[Said]]:
        assert module == "llmd.models.sources.huggingface"
        assert terms.asks
        self.throttles.append(throttle)
        self.alive += 1
        try:
            yield self._lines()
        finally:
            self.alive -= 1

    async def _lines(self) -> AsyncIterator[Said]:
        while True:
            line = await self.lines.get()
            if isinstance(line, LlmdError):
                raise line
            yield line


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    source = Source()
    monkeypatch.setattr(couriers, "running", source.running)
    monkeypatch.setattr(couriers, "_LONGEST_NAP", 0.01)
    return source


@pytest.fixture
def manifest(tmp_path: Path, tiny_model: Path) -> ModelManifest:
    return ModelStore(tmp_path, tiny_model).builtin()


@pytest.fixture
async def send(source: Source, manifest: ModelManifest) -> AsyncIterator[Send]:
    sent: list[Courier] = []

    async def finish(fetched: Fetched, say: Say) -> ModelManifest:
        say(PullProgress(status="done"))
        return manifest

    def send(conditions: Conditions, accept: Accept | None = None) -> Courier:
        sent.append(Courier(ORDER, conditions, finish, accept))
        return sent[-1]

    yield send
    for courier in sent:
        await courier.stop()


async def first(courier: Courier, fits: Callable[[PullEvent], bool]) -> PullEvent:
    async for event in courier.watch():
        if fits(event):
            return event
    raise AssertionError("it ended before")


async def test_progress_then_the_model(source: Source, send: Send, manifest: ModelManifest) -> None:
    courier = send(Conditions(Pacing()))
    source.lines.put_nowait(Progress("downloading", "m.gguf", 5, 10, "trying again"))
    source.lines.put_nowait(FETCHED)
    events = [event async for event in courier.watch()]
    assert events[-1] == manifest
    assert not courier.joinable
    assert source.alive == 0


@pytest.mark.parametrize("taken", [True, False])
async def test_what_is_named_is_fetched_once_it_is_accepted(
    source: Source, send: Send, monkeypatch: pytest.MonkeyPatch, *, taken: bool
) -> None:
    happened: list[str] = []
    monkeypatch.setattr(Throttle, "go", lambda _: happened.append("go"))

    async def accept(named: Named) -> None:
        happened.append(named.name)
        if taken:
            raise NameTaken("It is taken.")

    courier = send(Conditions(Pacing()), accept)
    source.lines.put_nowait(Named("acme/m:Q8_0", "hf://acme/m/m.gguf"))
    source.lines.put_nowait(FETCHED)
    with pytest.raises(NameTaken) if taken else contextlib.nullcontext():
        [_ async for _ in courier.watch()]
    assert happened == (["acme/m:Q8_0"] if taken else ["acme/m:Q8_0", "go"])


async def test_remaining_time_follows_from_the_rate(
    source: Source, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmd.models.rate.Rate.add", lambda *_: 100.0)
    courier = send(Conditions(Pacing()))
    source.lines.put_nowait(Progress("downloading", "m.gguf", 500, 1500))
    event = await first(courier, lambda event: getattr(event, "rate", 0) > 0)
    assert isinstance(event, PullProgress)
    assert (event.rate, event.remaining) == (100.0, 10.0)


async def test_outside_its_hours_it_waits_and_says_until_when(
    source: Source, send: Send, manifest: ModelManifest
) -> None:
    clock = Clock(12)
    courier = send(Conditions(Pacing(), NIGHT, clock=clock))
    event = await first(courier, lambda event: getattr(event, "status", "") == "waiting")
    assert isinstance(event, PullProgress)
    assert event.waiting_until == clock.now.replace(hour=22).timestamp()
    assert source.throttles == []
    clock.now += timedelta(hours=10)
    source.lines.put_nowait(FETCHED)
    assert await first(courier, lambda event: event == manifest)


async def test_when_the_hours_end_it_stops_and_goes_on_later(
    source: Source, send: Send, manifest: ModelManifest
) -> None:
    clock = Clock(23)
    courier = send(Conditions(Pacing(), NIGHT, clock=clock))
    await until(lambda: source.alive == 1)
    clock.now += timedelta(hours=9)
    await until(lambda: source.alive == 0)
    clock.now += timedelta(hours=14)
    await until(lambda: source.alive == 1)
    source.lines.put_nowait(FETCHED)
    assert await first(courier, lambda event: event == manifest)
    assert len(source.throttles) == 2


@pytest.mark.parametrize("hour", [12, 23])
async def test_who_is_in_a_hurry_does_not_mind_the_hours(
    source: Source, send: Send, hour: int
) -> None:
    clock = Clock(hour)
    courier = send(Conditions(Pacing(), NIGHT, clock=clock))
    courier.adjust(None, now=True)
    await until(lambda: source.alive == 1)
    clock.now = clock.now.replace(hour=12)
    for _ in range(20):
        await asyncio.sleep(0.002)
        assert source.alive == 1


async def test_a_hurry_comes_also_while_it_waits(source: Source, send: Send) -> None:
    courier = send(Conditions(Pacing(), NIGHT, clock=Clock(12)))
    await first(courier, lambda event: getattr(event, "status", "") == "waiting")
    courier.adjust(None, now=True)
    await until(lambda: source.alive == 1)


async def test_its_own_limit_can_be_set_and_lifted(source: Source, send: Send) -> None:
    courier = send(Conditions(Pacing(1000)))
    courier.adjust(300, now=False)
    await until(lambda: source.alive == 1)
    (throttle,) = source.throttles
    assert throttle.limit == 300
    courier.adjust(None, now=False)
    assert throttle.limit == 300
    courier.adjust(0, now=False)
    assert throttle.limit == 1000


async def test_two_share_one_limit(source: Source, send: Send) -> None:
    conditions = Conditions(Pacing(1000))
    one, other = send(conditions), send(conditions)
    await until(lambda: source.alive == 2)
    assert [throttle.limit for throttle in source.throttles] == [500, 500]
    await one.stop()
    assert source.throttles[1].limit == 1000
    assert other.joinable


async def test_an_error_reaches_who_watches(source: Source, send: Send) -> None:
    courier = send(Conditions(Pacing()))
    source.lines.put_nowait(DownloadFailed("gone"))
    with pytest.raises(DownloadFailed, match="gone"):
        async for _ in courier.watch():
            pass


async def test_being_stopped_is_told(source: Source, send: Send) -> None:
    courier = send(Conditions(Pacing()))
    await until(lambda: source.alive == 1)
    watching = asyncio.ensure_future(first(courier, lambda _: False))
    await asyncio.sleep(0)
    await courier.stop()
    with pytest.raises(LlmdError, match="stopped"):
        await watching
    assert source.alive == 0
