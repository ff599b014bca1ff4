from __future__ import annotations

import json

from llmd.errors import NotFound, RateLimited
from llmd.server.web import replies


def test_json_is_nobody_elses_to_keep_or_to_guess_at() -> None:
    answer = replies.json({"name": "<b>"}, 202)
    assert answer.status == 202
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(answer.body) == {"name": "<b>"}  # type: ignore[arg-type]  # bytes


def test_what_was_done_is_told_with_nothing_to_put_anywhere() -> None:
    answer = replies.done("Saved: “模型”\r\nX-Evil: 1", changed={"id": 7})
    assert answer.status == 204
    told = answer.headers["HX-Trigger"]
    assert told.isascii()
    assert "\n" not in told
    assert json.loads(told) == {
        "llmd:told": "Saved: “模型”\r\nX-Evil: 1",
        "changed": {"id": 7},
    }


def test_nothing_told_is_nothing_sent() -> None:
    assert "HX-Trigger" not in replies.done().headers


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = json.loads(replies.encode(NotFound("Gone.", hint="Look again.", param="id")))
    assert error == {
        "error": {"code": "not_found", "message": "Gone.", "hint": "Look again.", "param": "id"}
    }
    slowed = json.loads(replies.encode(RateLimited("Slow.", hint="", retry_after=3)))
    assert slowed["error"]["retry_after"] == 3


def test_a_browser_is_sent_on_to_another_page() -> None:
    assert replies.to("/admin/users").headers["HX-Redirect"] == "/admin/users"
