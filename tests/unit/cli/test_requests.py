from __future__ import annotations

from collections.abc import Callable

import pytest

from llmd.cli import requests
from llmd.errors import NotFound
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

ROW = {
    "id": 7,
    "trace": "abc",
    "model": "llmd-tiny",
    "client": "user:ann",
    "lane": "interactive",
    "state": "writing",
    "reason": "",
    "position": None,
    "estimated_wait": None,
    "arrived": 0.0,
    "age": 2.5,
    "prompt_tokens": 1544,
    "read_tokens": 1544,
    "cached_tokens": 1500,
    "cache_miss": None,
    "missed": "",
    "generated_tokens": 16,
    "tokens_per_second": 41.25,
    "drafted_tokens": 10,
    "accepted_tokens": 8,
    "draft_acceptance": 0.8,
}
QUEUED = {
    **ROW,
    "id": 8,
    "lane": "batch",
    "state": "queued",
    "position": 2,
    "estimated_wait": 2.1,
    "generated_tokens": 0,
    "cached_tokens": 0,
    "tokens_per_second": None,
    "draft_acceptance": None,
}
DONE = {
    **ROW,
    "id": 6,
    "state": "done",
    "reason": "stop",
    "missed": "system prompt differs at token 37: 'Tuesday' instead of 'Monday'",
}


def test_a_table_of_what_ended_and_what_runs(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.live, daemon.ended = [ROW, QUEUED], [DONE]
    heading, *rows = [line.split("  ") for line in llmd("requests").out.splitlines()]
    assert heading[0] == "ID"
    done, writing, queued = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert done[0] == "6"
    assert "done stop" in done
    assert done[-1] == DONE["missed"]
    assert writing == [
        "7", "llmd-tiny", "user:ann", "writing", "2.5 s",
        "1,544, 1,500 cached", "16 at 41.2/s", "80%",
    ]  # fmt: skip
    assert queued == [
        "8", "llmd-tiny", "user:ann (batch)", "queued #3 ~2.1 s", "2.5 s", "1,544",
    ]  # fmt: skip


def test_the_last_ones_are_shown_unless_all_are_asked_for(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.ended = [{**DONE, "id": number} for number in range(200)]
    assert [row["id"] for row in llmd("requests", "--json").json["ended"]] == [*range(180, 200)]
    assert len(llmd("requests", "--all", "--json").json["ended"]) == 200
    assert len(llmd("requests", "-a").out.splitlines()) == 201


def test_no_daemon_is_started_for_it(llmd: Llmd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    assert llmd("requests").code == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "preparing", "prompt_tokens": 0}, "preparing"),
        ({"state": "reading", "read_tokens": 772}, "reading 50%"),
        ({"state": "reading", "prompt_tokens": 0}, "reading"),
        ({"state": "failed", "reason": "queue_full"}, "failed queue_full"),
        ({"state": "cancelled"}, "cancelled"),
        ({"state": "queued", "position": 0, "estimated_wait": 0.0}, "queued #1"),
    ],
)
def test_states_in_words(fields: dict[str, object], words: str) -> None:
    assert requests.state({**ROW, **fields}) == words


def test_following_tells_of_every_step_once() -> None:
    old = {**DONE, "id": 1}
    looks = [
        {"live": [QUEUED], "ended": [old]},
        {"live": [QUEUED, ROW], "ended": [old]},
        {"live": [{**QUEUED, "state": "reading"}], "ended": [old, {**ROW, "state": "done"}]},
        {"live": [], "ended": [old, {**ROW, "state": "done"}, {**QUEUED, "state": "cancelled"}]},
    ]
    seen = [(row["id"], row["state"]) for row in requests.changes(looks)]
    assert seen == [
        (8, "queued"),
        (7, "writing"),
        (7, "done"),
        (8, "reading"),
        (8, "cancelled"),
    ]


def test_following_prints_a_line_a_step(
    llmd: Llmd, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.live = [ROW]

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("llmd.cli.requests.time.sleep", stop)
    line = llmd("requests", "-f").out.strip()
    assert line.endswith(
        "7  llmd-tiny  user:ann  writing  after 2.5 s  prompt 1,544, 1,500 cached"
        "  answer 16 at 41.2/s  drafts 80%"
    )
    assert llmd("requests", "-f", "--json").json == ROW


def test_what_clients_choose_cannot_move_the_cursor(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.live = [{**ROW, "client": "user:\x1b[2J\rann\n王"}]
    shown = llmd("requests").out
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert "user:\N{REPLACEMENT CHARACTER}[2J" in shown
    assert "王" in shown


def test_cancelling_names_the_request_and_what_it_did(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/requests/cancel"] = ROW
    assert llmd("cancel", "7").out == "cancelled request 7 of llmd-tiny, which was writing\n"
    assert daemon.body("/control/requests/cancel") == {"id": 7}
    assert llmd("cancel", "7", "--json").json["id"] == 7


@pytest.mark.parametrize("number", ["0", "x", "-1"])
def test_what_is_no_number_of_a_request_is_wrong_usage(
    llmd: Llmd, daemon: FakeDaemon, number: str
) -> None:
    assert llmd("cancel", number).code == 2
    assert daemon.asked == []


def test_a_request_that_has_ended_cannot_be_cancelled(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.failures["/control/requests/cancel"] = NotFound(
        "No request 9 is under way.", hint="`llmd requests` lists them."
    )
    assert llmd("cancel", "9") == (
        1,
        "",
        "Error: No request 9 is under way. `llmd requests` lists them.\n",
    )


def test_the_number_that_cancel_takes_is_whole_in_80_columns(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_columns: Callable[[int], None],
) -> None:
    pretend_columns(80)
    daemon.live, daemon.ended = [{**ROW, "model": "an-owner/a-repository:Q4_K_M"}, QUEUED], [DONE]
    head, *rows = llmd("requests").out.splitlines()
    assert head.split()[:4] == ["ID", "MODEL", "CLIENT", "STATE"]
    assert [row.split()[0] for row in rows] == ["6", "7", "8"]
    assert "an-owner/a-repository:Q4_K_M" in rows[1]
    assert "queued #3 ~2.1 s" in rows[2]
