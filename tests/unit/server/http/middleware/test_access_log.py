from __future__ import annotations

import structlog

from tests.unit.server.conftest import Connect


async def test_a_line_a_request_with_its_id(connect: Connect) -> None:
    client = await connect()
    with structlog.testing.capture_logs() as lines:
        response = await client.get("/v1/nothing", headers={"X-Request-Id": "abc"})
    assert response.headers["X-Request-Id"] == "abc"
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/nothing", 404)
    assert line["ms"] >= 0


async def test_an_id_is_made_where_none_came(connect: Connect) -> None:
    client = await connect()
    first, second = await client.get("/health"), await client.get("/health")
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


async def test_an_id_that_is_none_is_replaced(connect: Connect) -> None:
    client = await connect()
    for given in ("a b", "x" * 1000, "ä", "%1b[2J"):
        response = await client.get("/health", headers={"X-Request-Id": given})
        assert len(response.headers["X-Request-Id"]) == 32
