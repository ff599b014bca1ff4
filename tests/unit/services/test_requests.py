from __future__ import annotations

import pytest

from llmd.errors import QueueFull, WorkerDied
from llmd.protocol.callers import Caller
from llmd.protocol.events import (
    Accepted,
    CacheMiss,
    Delta,
    Event,
    Finished,
    FinishReason,
    MissKind,
    Queued,
    Reading,
    Usage,
)
from llmd.protocol.requests import GenerateRequest, Lane, TextPrompt
from llmd.services.requests import RequestReport, Requests, RequestState
from llmd.telemetry import journal
from llmd.telemetry.metrics import Metrics

REQUEST = GenerateRequest(prompt=TextPrompt("a secret"), lane=Lane.BATCH, client="user:ann")
USAGE = Usage(
    prompt_tokens=100,
    completion_tokens=11,
    cached_tokens=60,
    cache_miss=CacheMiss(MissKind.SYSTEM, 60, "Tuesday", "Monday"),
    drafted_tokens=8,
    accepted_tokens=6,
    decode_seconds=2.0,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def requests(clock: Clock) -> Requests:
    return Requests(Metrics(), kept=3, clock=clock)


def live(requests: Requests) -> RequestReport:
    (report,) = requests.list().live
    return report


def test_a_request_is_seen_at_every_station(requests: Requests, clock: Clock) -> None:
    with requests.follow("m", REQUEST, Caller(trace="trace-1")) as follow:
        report = live(requests)
        assert (report.id, report.trace, report.model) == (1, "trace-1", "m")
        assert (report.client, report.lane) == ("user:ann", Lane.BATCH)
        assert (report.state, report.age) == (RequestState.PREPARING, 0.0)
        follow(Accepted(100, 0, 3, 2.14))
        report = live(requests)
        assert (report.state, report.position) == (RequestState.QUEUED, 3)
        assert (report.estimated_wait, report.prompt_tokens) == (2.1, 100)
        follow(Queued(0, 0.5))
        assert live(requests).position == 0
        clock.now += 4
        follow(Reading(70, 60))
        report = live(requests)
        assert (report.state, report.position) == (RequestState.READING, None)
        assert (report.read_tokens, report.cached_tokens, report.age) == (70, 60, 4.0)
        follow(Delta("a", 1))
        clock.now += 2
        follow(Delta("b", 4))
        report = live(requests)
        assert (report.state, report.read_tokens) == (RequestState.WRITING, 100)
        assert (report.generated_tokens, report.tokens_per_second) == (5, 2.0)
        follow(Finished(FinishReason.LENGTH, USAGE))
    found = requests.list()
    assert found.live == []
    (report,) = found.ended
    assert (report.state, report.reason, report.age) == (RequestState.DONE, "length", 6.0)
    assert (report.cached_tokens, report.draft_acceptance) == (60, 0.75)
    assert report.tokens_per_second == 5.0
    assert report.missed.startswith("system prompt differs at token 60")


def test_a_request_that_need_not_wait_is_read_at_once(requests: Requests) -> None:
    with requests.follow("m", REQUEST, Caller()) as follow:
        follow(Accepted(5))
        assert live(requests).state is RequestState.READING


def test_one_that_is_preempted_waits_again_and_keeps_what_it_wrote(requests: Requests) -> None:
    with requests.follow("m", REQUEST, Caller()) as follow:
        for event in (Accepted(5), Delta("a", 2), Queued(1, 3.0)):
            follow(event)
        report = live(requests)
        assert (report.state, report.position, report.generated_tokens) == (
            RequestState.WRITING,
            1,
            2,
        )
        follow(Delta("b", 1))
        assert live(requests).position is None


def test_failures_and_cancellations_are_told_apart(requests: Requests) -> None:
    with pytest.raises(QueueFull), requests.follow("m", REQUEST, Caller()):
        raise QueueFull("full")
    with pytest.raises(GeneratorExit), requests.follow("m", REQUEST, Caller()) as follow:
        follow(Accepted(5, 0, 2, 1.0))
        raise GeneratorExit
    failed, cancelled = requests.list().ended
    assert (failed.state, failed.reason) == (RequestState.FAILED, "queue_full")
    assert (cancelled.state, cancelled.reason) == (RequestState.CANCELLED, "")
    assert cancelled.position is None, "nobody waits any more"


def test_one_whose_reader_leaves_after_the_end_is_done(requests: Requests) -> None:
    with pytest.raises(GeneratorExit), requests.follow("m", REQUEST, Caller()) as follow:
        follow(Finished(FinishReason.STOP, USAGE))
        raise GeneratorExit
    assert requests.list().ended[0].state is RequestState.DONE


def test_a_bounded_number_of_ended_requests_is_kept(requests: Requests) -> None:
    for _ in range(10):
        with requests.follow("m", REQUEST, Caller()):
            pass
    assert [report.id for report in requests.list().ended] == [8, 9, 10]


def test_nothing_of_a_prompt_is_kept(requests: Requests) -> None:
    with requests.follow("m", REQUEST, Caller()) as follow:
        follow(Delta("hush", 1))
        assert "hush" not in str(requests.list())
        assert "secret" not in str(requests.list())


def test_what_was_answered_is_counted(clock: Clock) -> None:
    metrics = Metrics()
    requests = Requests(metrics, clock=clock)
    with requests.follow("m", REQUEST, Caller()) as follow:
        clock.now += 0.3
        follow(Delta("a", 1))
        follow(Finished(FinishReason.STOP, USAGE))
    requests.asked("m", 7, Caller())
    text = metrics.render().decode()
    assert 'llmd_requests_total{outcome="stop"} 1.0' in text
    assert 'llmd_first_token_seconds_bucket{le="0.5",model="m"} 1.0' in text
    assert 'llmd_first_token_seconds_bucket{le="0.25",model="m"} 0.0' in text
    assert 'llmd_tokens_total{kind="prompt",model="m"} 107.0' in text


def test_how_models_do_is_measured(requests: Requests, clock: Clock) -> None:
    with requests.follow("m", REQUEST, Caller()) as follow:
        clock.now += 1.0
        follow(Delta("a", 1))
        clock.now += 1.0
        follow(Finished(FinishReason.STOP, USAGE))
    with pytest.raises(WorkerDied), requests.follow("m", REQUEST, Caller()):
        raise WorkerDied("gone")
    measured = requests.performance.of("m")
    assert (measured.requests, measured.availability) == (2, 0.5)
    assert (measured.average_latency_ms, measured.first_token_ms) == (2000, 1000)
    assert measured.tokens_per_second is not None


def test_questions_are_timed_too(requests: Requests, clock: Clock) -> None:
    with requests.timed("m"):
        clock.now += 0.5
    with pytest.raises(WorkerDied), requests.timed("m"):
        raise WorkerDied("gone")
    measured = requests.performance.of("m")
    assert (measured.average_latency_ms, measured.availability) == (500, 0.5)


def test_gaps_between_pieces_are_measured(clock: Clock) -> None:
    metrics = Metrics()
    with Requests(metrics, clock=clock).follow("m", REQUEST, Caller()) as follow:
        follow(Accepted(3))
        for pause in (5.0, 0.02, 0.2):
            clock.now += pause
            follow(Delta("a", 1))
    text = metrics.render().decode()
    assert 'llmd_token_gap_seconds_count{model="m"} 2.0' in text
    assert 'llmd_token_gap_seconds_bucket{le="0.025",model="m"} 1.0' in text


@pytest.mark.parametrize(
    ("events", "tokens"),
    [
        ([], 0),
        ([Accepted(100, 0, 3, 9.0)], 0),
        ([Accepted(100, 0, 3, 9.0), Reading(10, 0)], 100),
        ([Accepted(100), Delta("a", 1), Delta("b", 4)], 105),
        ([Accepted(100, 0, 3, 9.0), Finished(FinishReason.STOP, USAGE)], 111),
    ],
)
def test_who_leaves_pays_for_what_was_done(events: list[Event], tokens: int) -> None:
    spent: list[tuple[Caller, int]] = []
    requests = Requests(Metrics(), spend=lambda caller, used: spent.append((caller, used)))
    caller = Caller(key="k")
    with requests.follow("m", REQUEST, caller) as follow:
        for event in events:
            follow(event)
    assert spent == [(caller, tokens)]


def test_the_journal_of_its_request_learns_of_it() -> None:
    with journal.keeping() as kept:
        requests = Requests(Metrics())
        with requests.follow("m", REQUEST, Caller()) as follow:
            follow(Finished(FinishReason.STOP, USAGE))
        requests.asked("e", 7, Caller())
    assert [(one.model, one.outcome) for one in kept.answers] == [("m", "stop"), ("e", "")]
    assert (kept.prompt_tokens, kept.completion_tokens) == (107, 11)
