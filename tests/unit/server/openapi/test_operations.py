from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from aiohttp import web

from llmd.protocol.callers import Scope
from llmd.server.http.route import Mount, Route, get, post
from llmd.server.openapi.operations import identity, operation, types
from llmd.server.openapi.schemas import Schemas


class Order(msgspec.Struct):
    EXAMPLE: ClassVar[dict[str, Any]] = {"size": 3}
    size: int


class Option(msgspec.Struct):
    size: int = 0


class Upload(msgspec.Struct):
    image: bytes
    """The picture."""
    model: str | None = None


class Wrong(msgspec.Struct):
    detail: str


async def handler(request: web.Request) -> web.Response:
    """Do a thing.

    Slowly.
    """
    raise NotImplementedError


MOUNT = Mount("/api/v1", (), lambda _: b"", "native", Wrong)


def described(route: Route) -> dict[str, Any]:
    return operation(MOUNT, route, Schemas([*types(route), Wrong]))


def test_an_operation_is_what_its_handler_says() -> None:
    found = described(get("/x", handler, None))
    assert found["summary"] == "Do a thing"
    assert found["description"] == "Slowly."
    assert found["tags"] == ["native"]
    assert "security" not in found


def test_ids_are_made_of_method_and_path() -> None:
    assert identity(MOUNT, post("/m/{name:.+}/load", handler, None)) == "post_api_v1_m_name_load"


def test_a_scope_is_told_and_optional_where_daemons_may_be_open() -> None:
    found = described(get("/x", handler, Scope.GENERATE))
    assert found["security"] == [{"bearer": ["generate"]}, {"key": ["generate"]}, {}]
    assert "`generate`" in found["description"]
    assert {} not in described(get("/x", handler, Scope.ADMIN))["security"]


def test_a_body_is_required_when_some_field_is() -> None:
    body = described(post("/x", handler, None, body=Order))["requestBody"]
    content = body["content"]["application/json"]
    assert body["required"]
    assert content == {"schema": {"$ref": "#/components/schemas/Order"}, "example": {"size": 3}}
    assert not described(post("/x", handler, None, body=Option))["requestBody"]["required"]
    assert described(post("/x", handler, None, body=list[Order]))["requestBody"]["required"]


def test_the_files_of_a_form_are_binary() -> None:
    body = described(post("/x", handler, None, form=Upload))["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    image = {"type": "string", "format": "binary", "description": "The picture."}
    assert schema["properties"]["image"] == image
    assert schema["required"] == ["image"]


def test_a_websocket_tells_what_goes_each_way() -> None:
    found = described(get("/x", handler, None, body=Order, events=Option, status=101))
    assert found["x-websocket"] == {
        "sends": {"$ref": "#/components/schemas/Order"},
        "receives": {"$ref": "#/components/schemas/Option"},
    }
    assert "requestBody" not in found
