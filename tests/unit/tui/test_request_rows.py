from __future__ import annotations

import pytest

from llmd.protocol.reports import RequestReport, RequestState
from llmd.protocol.requests import Lane
from llmd.tui import request_rows
from llmd.tui.cells import Tone
from tests.fakes.snapshots import REQUESTS, request

WORKING, READING, QUEUED = REQUESTS.live


def cells(report: RequestReport) -> dict[str, str]:
    row = request_rows.row(report)
    names = [column.name for column in request_rows.COLUMNS]
    return dict(zip(names, (cell.text for cell in row.cells), strict=True))


def test_a_row_says_how_a_request_stands() -> None:
    assert cells(WORKING) == {
        "ID": "12",
        "STATE": "writing",
        "MODEL": "qwen3-4b",
        "PROMPT": "1,200",
        "CACHED": "67%",
        "ANSWER": "96",
        "T/S": "41.3",
        "1ST": "350 ms",
        "WAITED": "",
        "TIME": "3.20 s",
        "LANE": "",
        "CLIENT": "user:ann",
        "NOT CACHED BECAUSE": "",
    }
    waits = cells(QUEUED)
    assert [waits[name] for name in ("STATE", "WAITED", "LANE", "CLIENT")] == [
        "queued #3",
        "~4.20 s",
        "batch",
        "张伟",
    ]
    assert cells(READING)["STATE"] == "reading 40%"


def test_what_is_not_known_is_empty() -> None:
    fresh = request(state=RequestState.PREPARING, prompt_tokens=0, cached_tokens=0)
    assert cells(fresh)["CACHED"] == ""
    assert cells(request(cached_tokens=0, missed="nothing was held yet"))["CACHED"] == "0%"


def test_names_that_clients_choose_cannot_move_the_cursor() -> None:
    evil = cells(request(client="a\x1b[2Jb\n", missed="x\ry"))
    assert evil["CLIENT"] == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}"
    assert "\r" not in evil["NOT CACHED BECAUSE"]


def test_those_under_way_come_first_then_the_latest_to_end() -> None:
    assert [one.id for one in request_rows.listed(REQUESTS)] == [12, 13, 14, 11, 10, 9]
    assert [one.id for one in request_rows.listed(REQUESTS, live_only=True)] == [12, 13, 14]


@pytest.mark.parametrize(
    ("text", "found"),
    [("ANN writing", [12]), ("张", [14]), ("overflow", [10]), ("trace-9", [9]), ("nobody", [])],
)
def test_words_choose_among_them(text: str, found: list[int]) -> None:
    assert [one.id for one in request_rows.listed(REQUESTS, text=text)] == found


def test_the_card_has_all_that_is_known_and_nothing_else() -> None:
    lines = {line.name: line.value[0].text for line in request_rows.card(REQUESTS.ended[2])}
    assert lines["reused"] == "40 tokens"
    assert lines["not reused"] == "the system prompt differs: Tuesday, not Monday"
    assert lines["drafts"] == "31 of 50 accepted"
    assert lines["why"] == "length"
    assert lines["took"] == "3.20 s"
    assert "read" not in lines
    live = {line.name: line.value[0].text for line in request_rows.card(QUEUED)}
    assert live["may wait"] == "~4.20 s"
    assert live["lane"] == str(Lane.BATCH)
    assert "answer" not in live
    assert "1st token" not in live


def test_failures_look_like_failures() -> None:
    assert request_rows.state(REQUESTS.ended[1]).tone is Tone.BAD
