from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from aiohttp import web

from llmd.errors import LlmdError
from llmd.server.http.route import Mount, Route, get, post
from llmd.server.openapi.answers import problems, responses
from llmd.server.openapi.operations import types
from llmd.server.openapi.schemas import Schemas


class Right(msgspec.Struct):
    size: int


class Wrong(msgspec.Struct):
    detail: str


class Piece(msgspec.Struct):
    text: str


MOUNT = Mount("/a/b", (), lambda _: b"", "native", Wrong)


async def handler(request: web.Request) -> web.Response:
    raise NotImplementedError


def answers(route: Route) -> dict[str, Any]:
    return responses(MOUNT, route, Schemas([*types(route), Wrong]))


Make = Callable[..., Route]


@pytest.mark.parametrize(
    ("make", "present", "absent"),
    [
        (partial(get, "/x", handler, None), {400, 401, 403, 429, 500, 503}, {404, 413}),
        (partial(get, "/{x}", handler, None), {404, 409}, {413}),
        (partial(post, "/x", handler, None, body=Right), {404, 409, 413, 422, 507}, set()),
        (partial(post, "/x", handler, None, form=Right), {413}, set()),
    ],
)
def test_a_route_can_fail_as_its_kind_can(make: Make, present: set[int], absent: set[int]) -> None:
    found = {int(status) for status in answers(make(answer=Right))}
    assert present | {200} <= found
    assert not absent & found


def test_errors_are_of_the_dialect() -> None:
    found = answers(get("/{x}", handler, None, answer=Right))["404"]
    assert found == {"$ref": "#/components/responses/native-a-b-404"}
    kept = problems(MOUNT, Schemas([Wrong]))
    content = kept["native-a-b-404"]["content"]["application/json"]
    assert content == {"schema": {"$ref": "#/components/schemas/Wrong"}}
    assert "model_not_found" in kept["native-a-b-404"]["description"]
    assert "Retry-After" in kept["native-a-b-429"]["headers"]


def kinds(root: type[LlmdError] = LlmdError) -> list[type[LlmdError]]:
    below = [kind for child in root.__subclasses__() for kind in kinds(child)]
    return [kind for kind in (root, *below) if kind.__module__.startswith("llmd.")]


def test_every_error_that_llmd_knows_is_described() -> None:
    kept = problems(MOUNT, Schemas([Wrong]))
    for kind in kinds():
        assert f"`{kind.code}`" in kept[f"native-a-b-{kind.status}"]["description"]


def test_a_route_with_a_body_may_fail_in_every_way_but_by_its_method() -> None:
    found = answers(post("/x", handler, None, body=Right, answer=Right))
    assert {str(kind.status) for kind in kinds()} - found.keys() == {"405"}


def test_what_may_stream_has_both_forms() -> None:
    content = answers(get("/x", handler, None, answer=Right, events=Piece))["200"]["content"]
    assert set(content) == {"application/json", "text/event-stream"}
    done, data = content["text/event-stream"]["schema"]["properties"]["data"]["anyOf"]
    names = [f"#/components/schemas/{name}" for name in ("Piece", "Wrong")]
    assert done == {"const": "[DONE]"}
    assert data["contentSchema"] == {"anyOf": [{"$ref": name} for name in names]}
    lines = get("/x", handler, None, events=Piece, streams_as="application/x-ndjson")
    assert set(answers(lines)["200"]["content"]) == {"application/x-ndjson"}


def test_answers_without_json() -> None:
    assert set(answers(get("/x", handler, None))["200"]["content"]) == {"text/plain"}
    assert "content" not in answers(get("/x", handler, None, status=204))["204"]
    socket = get("/x", handler, None, body=Right, events=Piece, status=101)
    assert answers(socket)["101"] == {"description": "A WebSocket."}


def test_other_answers_than_errors_are_told_too() -> None:
    found = answers(get("/x", handler, None, answer=Right, others={503: Piece}))
    content = found["503"]["content"]["application/json"]
    assert content == {"schema": {"$ref": "#/components/schemas/Piece"}}


def test_every_answer_has_the_headers_of_limits() -> None:
    headers = answers(get("/x", handler, None, answer=Right))["200"]["headers"]
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= headers.keys()
