"""One connection at work, against orders that the test gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from llmd.errors import CorruptFile, LlmdError
from llmd.models.sources.transfer import Remote
from llmd.models.sources.transfer.budget import Budget
from llmd.models.sources.transfer.faults import Changed, Cut, Refused
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.lane import Lane
from llmd.models.sources.transfer.lanes import Claim
from llmd.models.sources.transfer.partial import Partial
from tests.fakes.fileserver import BLOCK, FileServer, serving
from tests.unit.models.sources.transfer.conftest import PATH


class Orders:
    """Gives out claims in order and records what happens."""

    def __init__(self, remote: Remote, partial: Partial, claims: list[Claim]) -> None:
        self.remote, self.partial, self.claims = remote, partial, claims
        self.budget = Budget()
        self.stopping = threading.Event()
        self.more = 0
        self.faults: list[Cut | Refused] = []
        self.errors: list[LlmdError | Changed] = []
        self.over = threading.Event()

    def take(self, lane: Lane) -> Claim | None:
        return self.claims.pop(0) if self.claims else None

    def extend(self, claim: Claim) -> None:
        claim.end += self.more
        self.more = 0

    def came(self, claim: Claim, amount: int) -> None:
        claim.start += amount

    def begin_again(self, claim: Claim) -> bool:
        return False

    def delay(self, fault: Cut | Refused) -> float | None:
        self.faults.append(fault)
        return None

    def fail(self, error: LlmdError | Changed) -> None:
        self.errors.append(error)

    def ended(self, lane: Lane) -> None:
        self.over.set()


@pytest.fixture
def partial(remote: Remote, tmp_path: Path) -> Iterator[Partial]:
    with Partial(tmp_path / "m", Identity(remote.size, remote.sha256)) as partial:
        yield partial


def work(remote: Remote, partial: Partial, *claims: Claim, more: int = 0) -> Orders:
    orders = Orders(remote, partial, list(claims))
    orders.more = more
    lane = Lane(orders, 0.4)
    lane.start()
    assert orders.over.wait(10)
    lane.join()
    return orders


def test_it_asks_for_exactly_what_it_claims(
    remote: Remote, partial: Partial, site: FileServer
) -> None:
    work(remote, partial, Claim(0, 1000), Claim(5000, 6000), Claim(999_000, remote.size))
    asked = [one.headers["range"] for one in site.asked]
    assert asked == ["bytes=0-999", "bytes=5000-5999", "bytes=999000-"]
    assert partial.gaps() == [(1000, 5000), (6000, 999_000)]


def test_a_claim_that_is_extended_goes_on_in_the_same_answer(
    remote: Remote, partial: Partial, site: FileServer
) -> None:
    class Sharing(Orders):
        def came(self, claim: Claim, amount: int) -> None:
            super().came(claim, amount)
            claim.end = max(claim.start, 500_000)  # somebody took the rest

    orders = Sharing(remote, partial, [Claim(100_000, remote.size)])
    orders.budget.change(400_000)  # which makes chunks of 100,000 bytes
    orders.more = remote.size - 500_000
    lane = Lane(orders, 0.4)
    lane.start()
    lane.join()
    assert len(site.asked) == 1
    assert partial.reach() == 0
    assert partial.done > 400_000


def test_redirects_are_asked_directly_from_then_on(
    remote: Remote, partial: Partial, site: FileServer
) -> None:
    with serving(FileServer(files=site.files)) as other:
        site.faults.redirect = {"/m": f"{other.url}{PATH}?signature"}
        redirected = replace(remote, url=f"{site.url}/m", headers={"Authorization": "Bearer s"})
        work(redirected, partial, Claim(0, 1000), Claim(1000, 2000))
        assert len(site.asked) == 1
        assert [one.path for one in other.asked] == [f"{PATH}?signature"] * 2
        assert all("authorization" not in one.headers for one in other.asked)


def test_an_address_that_expired_is_looked_up_again(
    remote: Remote, partial: Partial, site: FileServer
) -> None:
    with serving(FileServer(files=site.files)) as other:
        site.faults.redirect = {"/m": f"{other.url}{PATH}"}
        other.faults.refuse = [0, 403]
        redirected = replace(remote, url=f"{site.url}/m")
        orders = work(redirected, partial, Claim(0, 1000), Claim(1000, 2000), Claim(1000, 2000))
        assert orders.faults == []
        assert len(site.asked) == 2
    assert partial.reach() == 2000


def test_what_came_before_a_cut_is_stored(
    remote: Remote, partial: Partial, site: FileServer
) -> None:
    site.faults.cut_after = [3 * BLOCK]
    orders = work(remote, partial, Claim(0, remote.size))
    assert isinstance(orders.faults[0], Cut)
    assert partial.reach() == 3 * BLOCK


def test_nothing_is_stored_of_something_else(
    remote: Remote, partial: Partial, site: FileServer
) -> None:
    site.files[PATH] = b"<html>".ljust(remote.size)
    orders = work(remote, partial, Claim(0, remote.size))
    assert isinstance(orders.errors[0], CorruptFile)
    assert partial.done == 0


def test_a_range_beyond_the_end_means_another_file(
    remote: Remote, partial: Partial, site: FileServer
) -> None:
    site.files[PATH] = site.files[PATH][:1000]
    orders = work(remote, partial, Claim(5000, remote.size))
    (changed,) = orders.errors
    assert isinstance(changed, Changed)
    assert changed.size == 1000


def test_aborting_ends_a_wait(remote: Remote, partial: Partial, site: FileServer) -> None:
    site.faults.stall_after = [BLOCK]
    orders = Orders(remote, partial, [Claim(0, remote.size)])
    lane = Lane(orders, 60)
    lane.start()
    while partial.done < BLOCK:
        assert not orders.over.wait(0.01)
    orders.stopping.set()
    lane.abort()
    assert orders.over.wait(10)
    lane.join()
