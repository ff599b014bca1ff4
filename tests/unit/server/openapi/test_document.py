from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import validate

from llmd.errors import NotFound
from llmd.server.application import SOCKET_MOUNTS
from llmd.server.application import TCP_MOUNTS as ALL_MOUNTS
from llmd.server.http.route import Mount, get, post
from llmd.server.openapi.document import Documents, document
from llmd.server.openapi.operations import types
from llmd.server.openapi.schemas import example
from llmd.server.web.routes import MOUNTS as PAGES

TCP_MOUNTS = [mount for mount in ALL_MOUNTS if mount.name]
DIALECTS = Documents(TCP_MOUNTS).dialects

ANSWERS_OTHERWISE = {
    "metrics": "Prometheus's text format",
}
"""Handlers whose answer is no JSON, with what it is."""

ASKS_NOTHING: dict[str, str] = {}
"""Handlers of POST and PUT that read no body, with the reason."""


def routes(mounts: Sequence[Mount] = TCP_MOUNTS) -> list[Any]:
    return [
        pytest.param(route, id=f"{route.method} {mount.prefix}{route.path}")
        for mount in mounts
        for route in mount.routes
    ]


def operations(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for item in found["paths"].values() for one in item.values()]


@pytest.mark.parametrize("dialect", ["", *DIALECTS])
def test_the_document_is_valid(dialect: str) -> None:
    validate(document(TCP_MOUNTS, dialect))


def test_all_but_the_owners_calls_and_the_pages_is_in_it() -> None:
    unnamed = [mount for mount in SOCKET_MOUNTS if not mount.name]
    assert {mount.prefix for mount in unnamed if mount not in PAGES} == {"/control"}
    assert all(mount.error for mount in TCP_MOUNTS)
    assert not [path for path in document(TCP_MOUNTS)["paths"] if path.startswith("/web/")]


@pytest.mark.parametrize("route", routes())
def test_every_route_says_what_it_takes_and_gives(route: Any) -> None:
    name = route.handler.__name__
    if route.answer is None and route.events is None and route.status != 204:
        assert name in ANSWERS_OTHERWISE
    if route.method in {"POST", "PUT", "PATCH"} and not (route.body or route.form):
        assert name in ASKS_NOTHING
    assert route.handler.__doc__


def test_ids_of_operations_are_unique() -> None:
    found = [one["operationId"] for one in operations(document(TCP_MOUNTS))]
    assert len(found) == len(set(found))


def test_no_two_paths_differ_only_by_the_name_of_a_variable() -> None:
    shapes = [re.sub(r"\{\w+\}", "{}", path) for path in document(TCP_MOUNTS)["paths"]]
    assert len(shapes) == len(set(shapes))


@pytest.mark.parametrize("route", routes())
def test_examples_are_what_they_are_examples_of(route: Any) -> None:
    for kind in types(route):
        if shown := example(kind):
            msgspec.json.decode(msgspec.json.encode(shown), type=kind)


async def handler(request: web.Request) -> web.Response:
    """Say something.

    And more.
    """
    return web.Response()


def named(name: str, prefix: str, *found: Any) -> Mount:
    return Mount(prefix, found, lambda _: b"", name, Wrong)


class Wrong(msgspec.Struct):
    detail: str


class Right(msgspec.Struct):
    size: int


class Left(msgspec.Struct):
    size: str


def test_the_first_of_two_mounts_that_claim_a_path_has_it() -> None:
    first = named("openai", "/a", get("/x", handler, None, answer=Right))
    second = named(
        "native",
        "",
        get("/a/x", handler, None, answer=Left),
        post("/a/x", handler, None, body=Left),
    )
    item = document([first, second])["paths"]["/a/x"]
    assert item["get"]["tags"] == ["openai"]
    assert item["post"]["tags"] == ["native"]
    assert list(document([first, second], "native")["paths"]["/a/x"]) == ["post"]


def test_a_dialects_document_has_nothing_of_the_others() -> None:
    found = document(TCP_MOUNTS, "openai")
    assert [tag["name"] for tag in found["tags"]] == ["openai"]
    assert {tag for one in operations(found) for tag in one["tags"]} == {"openai"}
    assert "NativeErrorObject" not in found["components"]["schemas"]


async def test_documents_are_made_once() -> None:
    documents = Documents(TCP_MOUNTS)
    whole = await documents.get()
    assert await documents.get() is whole
    assert (await documents.get("openai")).tag != whole.tag
    assert msgspec.json.decode(whole.body)["openapi"].startswith("3.1")


async def test_an_unknown_dialect_is_not_found() -> None:
    with pytest.raises(NotFound, match="openai"):
        await Documents(TCP_MOUNTS).get("klingon")
