from __future__ import annotations

import msgspec
import pytest
from aiohttp import web

from llmd.server.http.route import get
from llmd.server.openapi.parameters import parameters, template, variables
from llmd.server.openapi.schemas import Schemas


class Page(msgspec.Struct):
    after: str
    limit: int = 100
    """Most of them."""
    active: bool | None = None


async def handler(request: web.Request) -> web.Response:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("path", "shown", "names"),
    [
        ("/models", "/models", []),
        ("/models/{name}", "/models/{name}", ["name"]),
        ("/models/{name:.+}/load", "/models/{name}/load", ["name"]),
        (r"/x/{id:[0-9a-f]{8}}/{rest:.*}", "/x/{id}/{rest}", ["id", "rest"]),
    ],
)
def test_paths_lose_their_patterns(path: str, shown: str, names: list[str]) -> None:
    assert template(path) == shown
    assert variables(path) == names


def test_variables_of_a_path_are_required_texts() -> None:
    route = get("/{name:.+}/{id:[0-9]+}/{word}", handler, None)
    name, number, word = parameters(route, Schemas([]))
    assert name["required"]
    assert "slashes" in name["description"]
    assert number["schema"] == {"type": "string", "minLength": 1, "pattern": "^(?:[0-9]+)$"}
    assert "description" not in word


def test_the_query_has_the_fields_of_its_struct() -> None:
    schemas = Schemas([Page])
    found = {one["name"]: one for one in parameters(get("/", handler, None, query=Page), schemas)}
    assert found["after"]["required"]
    assert found["limit"] == {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "Most of them.",
        "schema": {"type": "integer", "default": 100},
    }
    assert found["active"]["schema"] == {"type": "boolean"}
    assert schemas.components == {}
