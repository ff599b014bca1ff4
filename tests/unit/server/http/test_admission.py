from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from llmd.config.sharing import LimitSettings
from tests.unit.server.conftest import Connect
from tests.unit.services.conftest import Bench

ASKED = {"model": "llmd-tiny", "messages": [{"role": "user", "content": "Hello there"}]}
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@pytest.fixture
def limits() -> LimitSettings:
    return LimitSettings(address_requests_per_minute=3)


@pytest.fixture
def bench(tmp_path: Path, tiny_model: Path, limits: LimitSettings) -> Bench:
    return Bench(tmp_path / "models", tiny_model, limits=limits)


async def test_every_answer_tells_of_the_limits(connect: Connect) -> None:
    client = await connect(tcp=True)
    answers = [
        await client.get("/health"),
        await client.get("/v1/models"),
        await client.get("/v1/nothing"),
        await client.get("/", headers={"Host": "evil.example"}),
        await client.put("/health"),
        await client.post("/v1/chat/completions", data=b"{"),
        await client.post("/v1/chat/completions", json={**ASKED, "stream": True}),
    ]
    for answer in answers:
        told = [answer.headers[name] for name in HEADERS]
        assert all(re.fullmatch(r"\d+", value) for value in told), answer
        assert told[0] == "3"
        assert answer.headers["X-RateLimit-Resource"] == "requests-per-minute"


async def test_used_up_is_429_in_the_shape_of_the_dialect(connect: Connect) -> None:
    client = await connect(tcp=True)
    remaining = [
        (await client.get("/v1/models")).headers["X-RateLimit-Remaining"] for _ in range(3)
    ]
    assert remaining == ["2", "1", "0"]
    refused = await client.post("/v1/chat/completions", json=ASKED)
    assert refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert (await refused.json())["error"]["code"] == "rate_limited"
    native = await client.post("/generate", json={"prompt": "a"})
    assert native.status == 429
    assert (await native.json())["error"]["details"]
    # who watches over the daemon is not locked out by it
    assert (await client.get("/health")).status == 200


async def test_the_owner_is_not_limited(connect: Connect) -> None:
    client = await connect()
    for _ in range(5):
        assert (await client.get("/v1/models")).status == 200


async def test_guessing_keys_uses_up_the_address(connect: Connect) -> None:
    client = await connect(tcp=True)
    forged = {"Authorization": "Bearer llmd-" + "x" * 43}
    statuses = [(await client.get("/v1/models", headers=forged)).status for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


async def test_a_proxy_that_nobody_named_invents_no_addresses(connect: Connect) -> None:
    client = await connect(tcp=True)
    statuses = [
        (await client.get("/v1/models", headers={"X-Forwarded-For": f"198.51.100.{n}"})).status
        for n in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("limits", [LimitSettings(address_tokens_per_minute=2)])
async def test_a_cancelled_answer_is_charged(connect: Connect, bench: Bench) -> None:
    bench.starts.held = True
    client = await connect(tcp=True)
    asking = asyncio.ensure_future(client.post("/v1/chat/completions", json=ASKED))
    while not bench.starts.workers or not bench.starts.workers[0].running:
        await asyncio.sleep(0.01)
    asking.cancel()
    while bench.gate.inside:
        await asyncio.sleep(0.01)
    answer = await client.post("/v1/chat/completions", json=ASKED)
    assert answer.status == 429
    assert answer.headers["X-RateLimit-Resource"] == "tokens-per-minute"


@pytest.mark.parametrize("limits", [LimitSettings(address_concurrent=1)])
async def test_so_many_are_answered_at_the_same_time(connect: Connect, bench: Bench) -> None:
    bench.starts.held = True
    client = await connect(tcp=True)
    asking = asyncio.ensure_future(client.post("/v1/chat/completions", json=ASKED))
    while not bench.starts.workers or not bench.starts.workers[0].running:
        await asyncio.sleep(0.01)
    refused = await client.post("/v1/chat/completions", json=ASKED)
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["X-RateLimit-Resource"] == "concurrent-requests"
    asking.cancel()
    while bench.gate.inside:
        await asyncio.sleep(0.01)
    bench.starts.workers[0].go.set()
    assert (await client.post("/v1/chat/completions", json=ASKED)).status == 200


@pytest.mark.parametrize("limits", [LimitSettings(prompt_characters=5)])
async def test_a_long_prompt_is_a_bad_request(connect: Connect) -> None:
    client = await connect(tcp=True)
    refused = await client.post("/v1/chat/completions", json=ASKED)
    assert refused.status == 400
    assert "at most 5" in await refused.text()


@pytest.mark.parametrize("limits", [LimitSettings()])
async def test_without_limits_the_headers_say_a_million(connect: Connect) -> None:
    client = await connect(tcp=True)
    answer = await client.get("/v1/models")
    assert answer.headers["X-RateLimit-Limit"] == "1000000"
    assert answer.headers["X-RateLimit-Remaining"] == "1000000"
