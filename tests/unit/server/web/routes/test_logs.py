from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmd.protocol.accounts import UserChanges
from llmd.protocol.callers import Role
from tests.unit.server.web.conftest import Arrive, Village

LINE = {"timestamp": "2026-01-01T00:00:00Z", "level": "info", "logger": "pool"}


async def admin(arrive: Arrive) -> Village:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    log(visitor).parent.mkdir(parents=True)
    return visitor


def log(visitor: Village) -> Path:
    return visitor.guarded.bench.paths.log_file


def add(visitor: Village, event: str, **fields: object) -> None:
    with log(visitor).open("a", encoding="utf-8") as file:
        file.write(json.dumps({**LINE, "event": event, **fields}) + "\n")


async def told(answer: Any) -> tuple[str, str, list[dict[str, Any]]]:
    """Return kind, id and entries of the next event that is no comment."""
    while True:
        kind, place, data = "", "", ""
        while line := (await answer.content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            kind = value if name == "event" else kind
            place = value if name == "id" else place
            data = value if name == "data" else data
        if kind:
            return kind, place, json.loads(data)


async def test_old_lines_come_first_and_new_ones_by_themselves(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    add(visitor, "loaded", model="张", ms=3)
    answer = await visitor.open("/web/logs")
    assert answer.content_type == "text/event-stream"
    kind, place, entries = await told(answer)
    assert kind == "fresh"
    assert entries == [
        {
            "event": "loaded",
            "time": "2026-01-01T00:00:00Z",
            "level": "info",
            "logger": "pool",
            "fields": [["model", "张"], ["ms", "3"]],
        }
    ]
    add(visitor, "later")
    kind, later, entries = await told(answer)
    assert (kind, [entry["event"] for entry in entries]) == ("more", ["later"])
    assert later != place
    answer.close()


async def test_one_who_was_cut_off_misses_nothing(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    add(visitor, "first")
    answer = await visitor.open("/web/logs")
    _, place, _ = await told(answer)
    answer.close()
    add(visitor, "missed")
    for headers, query in (({"Last_Event_ID": place}, ""), ({}, f"?after={place}")):
        again = await visitor.open(f"/web/logs{query}", **headers)
        kind, _, entries = await told(again)
        assert (kind, [entry["event"] for entry in entries]) == ("more", ["missed"])
        again.close()


async def test_nonsense_as_a_place_begins_anew(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    add(visitor, "first")
    for place in ("x", "1-1", "9" * 30 + "-1", "-1--1"):
        answer = await visitor.open(f"/web/logs?after={place}")
        assert (await told(answer))[0] == "fresh"
        answer.close()


async def test_long_values_are_cut_and_hostile_ones_stay_text(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    add(visitor, "<script>alert(1)</script>", prompt="x" * 100_000)
    answer = await visitor.open("/web/logs")
    _, _, [entry] = await told(answer)
    assert entry["event"] == "<script>alert(1)</script>"
    assert len(entry["fields"][0][1]) == 20_001
    answer.close()


async def test_who_is_disabled_reads_no_further(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    await visitor.accounts.users.create("other", "correct horse", Role.ADMIN)
    add(visitor, "first")
    answer = await visitor.open("/web/logs")
    await told(answer)
    root = await visitor.accounts.users.named("root")
    await visitor.accounts.users.update(root.id, UserChanges(enabled=False))
    add(visitor, "secret")
    assert b"secret" not in await answer.content.read()


async def test_files_are_handed_out_and_no_others(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    add(visitor, "first")
    page = await (await visitor.open("/admin/logs")).text()
    assert "/web/logs/files/daemon.log" in page
    answer = await visitor.open("/web/logs/files/daemon.log")
    assert await answer.read() == log(visitor).read_bytes()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="llmd-daemon.log"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("daemon.log.1", "..%2Ftokens.secret", "%2Fetc%2Fpasswd"):
        assert (await visitor.open(f"/web/logs/files/{name}")).status == 404


async def test_a_plain_user_reads_no_log(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("mallory")
    for path in ("/admin/logs", "/web/logs", "/web/logs/files/daemon.log"):
        assert (await visitor.open(path)).status == 403
