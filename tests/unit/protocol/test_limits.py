from __future__ import annotations

from llmd.protocol.limits import UNLIMITED, Allowance, Resource, Standing


def test_an_allowance_says_only_what_differs() -> None:
    default = Allowance(requests_per_minute=60, tokens_per_minute=0, tokens_per_day=9, concurrent=2)
    own = Allowance(requests_per_minute=5, tokens_per_day=0)
    assert own.over(default) == Allowance(
        requests_per_minute=5, tokens_per_minute=0, tokens_per_day=0, concurrent=2
    )


def test_headers_are_the_documented_ones() -> None:
    told = Standing(
        limit=100, remaining=95, reset=1633046400, resource=Resource.REQUESTS_PER_MINUTE
    )
    assert told.headers() == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "95",
        "X-RateLimit-Reset": "1633046400",
        "X-RateLimit-Resource": "requests-per-minute",
    }
    assert Standing(reset=1).headers()["X-RateLimit-Limit"] == str(UNLIMITED)
