"""Several connections and one: what the crew decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmd.errors import DownloadFailed
from llmd.models.sources.lines import Terms
from llmd.models.sources.transfer import Remote
from llmd.models.sources.transfer.budget import Budget
from llmd.models.sources.transfer.crew import Crew
from llmd.models.sources.transfer.faults import Cut, Refused
from llmd.models.sources.transfer.following import Follower
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.lane import Lane
from llmd.models.sources.transfer.lanes import Claim
from llmd.models.sources.transfer.partial import Partial
from tests.fakes.fileserver import FileServer

TERMS = Terms(connections=1)


@pytest.fixture
def partial(remote: Remote, tmp_path: Path) -> Iterator[Partial]:
    with Partial(tmp_path / "m", Identity(remote.size, remote.sha256)) as partial:
        yield partial


@pytest.fixture
def crew(remote: Remote, partial: Partial) -> Iterator[Crew]:
    follower = Follower(partial)
    yield Crew(remote, partial, follower, Budget(), TERMS)
    follower.close()


def test_it_runs_until_the_digest_is_known(crew: Crew, remote: Remote, partial: Partial) -> None:
    watched: list[int] = []
    assert crew.run(lambda: watched.append(partial.done)) == remote.sha256
    assert partial.complete
    assert watched


def test_what_is_there_already_is_only_hashed(
    crew: Crew, remote: Remote, partial: Partial, content: bytes, site: FileServer
) -> None:
    partial.write(0, memoryview(content))
    assert crew.run(lambda: None) == remote.sha256
    assert site.asked == []


def test_a_watcher_that_fails_ends_it(crew: Crew, site: FileServer) -> None:
    site.faults.stall_after = [0]

    def watch() -> None:
        raise DownloadFailed("stop")

    with pytest.raises(DownloadFailed, match="stop"):
        crew.run(watch)


def manned(crew: Crew, count: int) -> list[Lane]:
    """Return lanes that the crew counts, not started."""
    crew._lanes = [Lane(crew, 1) for _ in range(count)]
    crew._wanted = count
    return crew._lanes


def test_lanes_get_stretches_that_do_not_overlap(crew: Crew, remote: Remote) -> None:
    (one,) = manned(crew, 1)
    claim = crew.take(one)
    assert claim == Claim(0, remote.size)
    assert crew.take(one) is None


def test_the_last_lane_goes_when_there_are_too_many(crew: Crew) -> None:
    first, second = manned(crew, 2)
    crew._wanted = 1
    assert crew.take(second) is None
    assert crew.take(first) is not None


def test_a_fault_of_one_of_several_lanes_costs_that_lane_alone(crew: Crew) -> None:
    manned(crew, 2)
    assert crew.delay(Refused(503, "u", {}, b"")) is None
    assert crew.note == ""
    assert crew._fault is None


def test_the_only_lane_tries_again_and_says_so(crew: Crew) -> None:
    manned(crew, 1)
    assert crew.delay(Cut("gone")) is not None
    assert "gone; trying again" in crew.note
    crew.came(Claim(0, 1), 1)
    assert crew.note == ""


def test_patience_ends_without_progress(crew: Crew) -> None:
    manned(crew, 1)
    pauses = [crew.delay(Cut("gone")) for _ in range(5)]
    assert pauses[-1] is None
    assert isinstance(crew._fault, DownloadFailed)


def test_only_one_alone_may_begin_again(crew: Crew, partial: Partial) -> None:
    partial.write(5, memoryview(b"bytes"))
    manned(crew, 2)
    assert not crew.begin_again(Claim(5, 10))
    assert partial.done == 5
    manned(crew, 1)
    claim = Claim(5, 10)
    assert crew.begin_again(claim)
    assert (claim.start, partial.done) == (0, 0)
    assert "begins again" in crew.remark
