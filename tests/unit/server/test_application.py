from __future__ import annotations

import pytest

from tests.unit.server.conftest import Connect


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/v1/nothing", ("error", "type")),
        ("/control/nothing", ("error", "hint")),
        ("/nothing", ("error", "details")),
    ],
)
async def test_unknown_paths_are_answered_in_the_dialect_of_their_prefix(
    connect: Connect, path: str, where: tuple[str, str]
) -> None:
    client = await connect()
    response = await client.get(path)
    body = await response.json()
    assert response.status == 404
    assert where[1] in body[where[0]]


async def test_control_calls_live_on_the_socket_only(connect: Connect) -> None:
    socket, tcp = await connect(), await connect(tcp=True)
    assert (await socket.get("/control/ps")).status == 200
    assert (await tcp.get("/control/ps")).status == 404
    assert (await tcp.get("/health")).status == 200


async def test_a_wrong_method_is_405(connect: Connect) -> None:
    client = await connect()
    response = await client.get("/v1/completions")
    assert response.status == 405
    assert (await response.json())["error"]["code"] == "method_not_allowed"


async def test_the_body_limit_answers_in_the_dialects_shape(connect: Connect) -> None:
    client = await connect()
    response = await client.post("/v1/completions", data=b"x" * 200_000)
    assert response.status == 413
    assert (await response.json())["error"]["code"] == "body_too_large"


async def test_a_damaged_body_is_refused_in_the_dialects_shape(connect: Connect) -> None:
    client = await connect()
    response = await client.post(
        "/v1/completions", data=b'{"prompt": "a"}', headers={"Content-Encoding": "gzip"}
    )
    assert response.status == 400
    assert "Content-Encoding" in (await response.json())["error"]["message"]


async def test_a_foreign_host_is_refused_on_tcp_only(connect: Connect) -> None:
    headers = {"Host": "evil.example"}
    assert (await (await connect(tcp=True)).get("/health", headers=headers)).status == 403
    assert (await (await connect()).get("/health", headers=headers)).status == 200


async def test_what_can_be_read_can_be_asked_for_its_headers_alone(connect: Connect) -> None:
    response = await (await connect(tcp=True)).head("/health")
    assert response.status == 200
    assert response.headers["X-RateLimit-Limit"]
    assert not await response.read()
