"""One limit for all downloads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmd.models.bandwidth import Bandwidth


def shares(bandwidth: Bandwidth[str], keys: str) -> list[int]:
    return [bandwidth.share(key) for key in keys]


def test_without_a_limit_each_has_its_own() -> None:
    bandwidth: Bandwidth[str] = Bandwidth()
    bandwidth.join("a")
    bandwidth.join("b", 500)
    assert shares(bandwidth, "ab") == [0, 500]


def test_the_limit_is_divided_evenly() -> None:
    bandwidth: Bandwidth[str] = Bandwidth(900)
    for key in "abc":
        bandwidth.join(key)
    assert shares(bandwidth, "abc") == [300, 300, 300]
    bandwidth.leave("b")
    assert shares(bandwidth, "abc") == [450, 0, 450]


def test_what_one_does_not_use_goes_to_the_others() -> None:
    bandwidth: Bandwidth[str] = Bandwidth(900)
    for key in "abc":
        bandwidth.join(key)
    bandwidth.observe("a", 100)
    assert bandwidth.share("a") == 150
    assert shares(bandwidth, "bc") == [375, 375]


def test_a_limit_of_its_own_holds_and_frees_the_rest() -> None:
    bandwidth: Bandwidth[str] = Bandwidth(900)
    bandwidth.join("a", 100)
    bandwidth.join("b")
    assert shares(bandwidth, "ab") == [100, 800]
    bandwidth.join("a", 0)
    assert shares(bandwidth, "ab") == [450, 450]


def test_one_that_was_slow_gets_its_share_back() -> None:
    bandwidth: Bandwidth[str] = Bandwidth(1000)
    bandwidth.join("a")
    bandwidth.join("b")
    bandwidth.observe("a", 1)
    assert bandwidth.share("a") < 100
    for _ in range(20):
        bandwidth.observe("a", bandwidth.share("a"))
    assert bandwidth.share("a") == 500


@given(
    st.integers(1, 10**9),
    st.lists(st.tuples(st.integers(0, 10**9), st.none() | st.integers(0, 10**9)), max_size=6),
)
def test_no_more_than_the_limit_is_given_out(
    limit: int, uses: list[tuple[int, int | None]]
) -> None:
    bandwidth: Bandwidth[int] = Bandwidth(limit)
    for key, (own, rate) in enumerate(uses):
        bandwidth.join(key, own)
        if rate is not None:
            bandwidth.observe(key, rate)
    given_out = [bandwidth.share(key) for key in range(len(uses))]
    # a byte a second is the least, so that none is taken for unlimited
    assert sum(given_out) <= limit + len(uses)
    assert all(share >= 1 for share in given_out)
    assert all(share <= (own or limit) for share, (own, _) in zip(given_out, uses, strict=True))


def test_one_that_left_is_not_counted() -> None:
    bandwidth: Bandwidth[str] = Bandwidth(10)
    bandwidth.observe("gone", 5)
    bandwidth.leave("gone")
    assert bandwidth.share("gone") == 0
