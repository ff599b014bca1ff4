from __future__ import annotations

from typing import Any

import pytest

from llmd.protocol.sessions import Picture, Session, SessionMessage
from llmd.server.web import export, words

EN = words.load()["en"]


def message(content: str = "", role: str = "assistant", **info: Any) -> SessionMessage:
    return SessionMessage(
        id="1", session_id="2", role=role, content=content, created_at=0.0, metadata_info=info
    )


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("旅行 计划", "旅行 计划"),
        ("../../etc/passwd", "etc passwd"),
        ('a\r\nSet-Cookie: x"', "a Set-Cookie x"),
        ("", ""),
        (" . ", ""),
        ("x" * 500, "x" * 80),
        ("\u202egnp.exe", "gnp.exe"),
    ],
)
def test_titles_become_names_that_every_system_takes(title: str, name: str) -> None:
    assert export.file_name(title) == name


def test_the_header_names_the_file_in_utf8_and_in_ascii() -> None:
    session = Session(id="i", title='"旅"%', created_at=0.0, updated_at=0.0)
    kind, told = export.disposition(session, "markdown")
    assert kind == "text/markdown"
    assert told == "attachment; filename=\"_ %.md\"; filename*=UTF-8''%E6%97%85%20%25.md"
    assert told.isascii()


def test_a_title_is_no_markup() -> None:
    session = Session(id="i", title="<b>\n# *x*", created_at=0.0, updated_at=0.0)
    assert export.heading(session, EN) == "# \\<b\\> \\# \\*x\\*\n"
    untitled = Session(id="i", created_at=0.0, updated_at=0.0)
    assert export.heading(untitled, EN) == "# Chat\n"


def test_an_answer_is_written_with_all_there_is_of_it() -> None:
    call = {"function": {"name": "weather", "arguments": "```"}}
    told = export.passage(
        message("Hi.", model="tiny", reasoning="a\nb", tool_calls=[call], partial=True), EN
    )
    assert told == (
        "\n## Answer (tiny)\n\n*1970-01-01 00:00 UTC*\n\n"
        "> **Reasoning**\n>\n> a\n> b\n\n"
        "Hi.\n\n"
        "Called weather:\n\n````json\n```\n````\n\n"
        "*The answer was cut off here.*\n"
    )


def test_what_clients_wrote_into_metadata_breaks_nothing() -> None:
    odd = {"model": 7, "reasoning": ["x"], "media": "many", "tool_calls": ["x", {"function": 1}]}
    assert "## You" in export.passage(message("x", "user", **odd), EN)
    assert "## Instructions" in export.passage(message("x", "developer", tool_calls=3), EN)
    assert "Pictures: 2" in export.passage(message("x", "user", media=2), EN)


def test_a_record_has_its_pictures() -> None:
    told = export.record(message("x"), [Picture("image/png", b"abc")])
    assert b'"pictures":[{"kind":"image/png","data":"YWJj"}]' in told
    assert b"pictures" not in export.record(message("x"), [])
