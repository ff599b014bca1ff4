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


async def test_the_line_tells_who_asked_and_what_it_took(connect: Connect) -> None:
    client = await connect(tcp=True)
    asked = {"model": "llmd-tiny", "messages": [{"role": "user", "content": "a very secret word"}]}
    with structlog.testing.capture_logs() as lines:
        await client.post("/v1/chat/completions?token=hidden", json=asked)
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["caller"].startswith("address:127.0.0.1")
    assert line["model"] == "llmd-tiny"
    assert line["prompt_tokens"] > 0
    assert line["completion_tokens"] > 0
    assert "secret" not in str(lines)
    assert "hidden" not in str(lines)


async def test_a_key_never_stands_in_a_line(connect: Connect) -> None:
    client = await connect(tcp=True)
    with structlog.testing.capture_logs() as lines:
        await client.get("/v1/models", headers={"Authorization": "Bearer sk-hush"})
        await client.get("/v1/models", headers={"Authorization": "Bearer llmd-" + "h" * 43})
    assert "hush" not in str(lines)
    assert "hhhh" not in str(lines)


async def test_requests_are_counted_by_route_and_not_by_what_clients_make_up(
    connect: Connect,
) -> None:
    client = await connect()
    for name in ("one", "two"):
        await client.post(f"/models/{name}/unload", json={})
    await client.request("PROPFIND", "/made/up")
    text = await (await client.get("/metrics")).text()
    labels = 'dialect="native",method="POST",route="/models/{name}/unload",status="404"'
    assert f"llmd_http_requests_total{{{labels}}} 2.0" in text
    assert 'dialect="",method="other",route="other",status="404"} 1.0' in text
    assert "/made/up" not in text
