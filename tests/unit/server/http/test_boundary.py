from __future__ import annotations

import json

import pytest
from aiohttp import web

from llmd.errors import (
    BodyTooLarge,
    InvalidRequest,
    LlmdError,
    MethodNotAllowed,
    NotFound,
    QueueFull,
    Unauthorized,
)
from llmd.server.dialects.openai.errors import encode
from llmd.server.http.boundary import respond, translate


def test_an_answer_carries_status_and_when_to_come_back() -> None:
    response = respond(QueueFull("full", retry_after=5), encode)
    assert (response.status, response.headers["Retry-After"]) == (429, "5")
    assert isinstance(response.body, bytes)
    assert json.loads(response.body)["error"]["code"] == "queue_full"
    assert "WWW-Authenticate" not in response.headers


def test_an_unknown_caller_is_told_how_to_say_who_they_are() -> None:
    response = respond(Unauthorized("who?"), encode)
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_wrong_method_is_told_the_right_ones() -> None:
    response = respond(translate(web.HTTPMethodNotAllowed("PUT", ["POST", "GET"])), encode)
    assert (response.status, response.headers["Allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (web.HTTPRequestEntityTooLarge(max_size=1, actual_size=2), BodyTooLarge),
        (web.RequestPayloadError("damaged"), InvalidRequest),
        (RecursionError(), InvalidRequest),
        (web.HTTPNotFound(), NotFound),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), MethodNotAllowed),
        (KeyError("bug"), LlmdError),
    ],
)
def test_foreign_exceptions_become_ours(error: Exception, kind: type[LlmdError]) -> None:
    assert type(translate(error)) is kind


def test_a_bug_shows_no_inner_details() -> None:
    assert "secret" not in str(translate(KeyError("secret")))
