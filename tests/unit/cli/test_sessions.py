from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmd.config.paths import Paths
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


@pytest.fixture
def trip(daemon: FakeDaemon) -> str:
    daemon.kept.make("\x1b[31m别的 " + "long " * 30, ("user", "Hello"))
    return daemon.kept.make("Trip", ("user", "Where\x1b[2J?"), ("assistant", "北京\n\nNow."))


def test_conversations_are_listed_newest_first(llmd: Llmd, trip: str) -> None:
    lines = llmd("sessions", "ls").out.splitlines()
    assert lines[1].split()[:3] == [trip[:8], "Trip", "llmd-tiny"]
    assert "just now" in lines[1]
    assert "\x1b" not in lines[2]
    assert "…" in lines[2]
    assert llmd("sessions", "ls", "--json").json[0]["title"] == "Trip"


def test_a_few_are_listed_unless_all_are_wanted(llmd: Llmd, daemon: FakeDaemon) -> None:
    for number in range(25):
        daemon.kept.make(f"talk {number}")
    assert len(llmd("sessions", "ls", "--json").json) == 20
    assert len(llmd("sessions", "ls", "--all", "--json").json) == 25


@pytest.mark.parametrize("by", ["id", "beginning", "title"])
def test_a_conversation_is_shown(llmd: Llmd, trip: str, by: str) -> None:
    name = {"id": trip, "beginning": trip[:8], "title": "Trip"}[by]
    out = llmd("sessions", "show", name).out
    assert f"id        {trip}\n" in out
    assert "\nYou:\nWhere�[2J?\n" in out
    assert "\nAnswer:\n北京\n\nNow.\n" in out


def test_the_latest_messages_are_shown(llmd: Llmd, trip: str) -> None:
    out = llmd("sessions", "show", "Trip", "-n", "1").out
    assert "2, 1 not shown" in out
    assert "Where" not in out
    assert len(llmd("sessions", "show", "Trip", "-n", "1", "--json").json["messages"]) == 1
    assert len(llmd("sessions", "show", "Trip", "-n", "0", "--json").json["messages"]) == 2


def test_conversations_are_deleted(llmd: Llmd, daemon: FakeDaemon, trip: str) -> None:
    assert llmd("sessions", "rm", "Trip") == (0, f"Deleted {trip[:8]} Trip\n", "")
    assert len(daemon.kept.sessions) == 1
    assert llmd("sessions", "rm", "Trip") == (1, "", "Error: There is no session 'Trip'.\n")


def test_a_conversation_is_exported(llmd: Llmd, trip: str, tmp_path: Path) -> None:
    markdown = "# Trip\n\n## You\n\nWhere\x1b[2J?\n\n## Answer\n\n北京\n\nNow.\n"
    assert llmd("sessions", "export", "Trip") == (0, markdown, "")
    llmd("sessions", "export", "Trip", "-o", str(tmp_path / "trip.md"))
    assert (tmp_path / "trip.md").read_text() == markdown
    llmd("sessions", "export", "Trip", "-o", str(tmp_path / "trip.json"))
    kept = json.loads((tmp_path / "trip.json").read_text())
    assert [line["content"] for line in kept] == ["Where\x1b[2J?", "北京\n\nNow."]
    assert llmd("sessions", "export", "Trip", "--json").json == kept


def test_what_was_exported_as_json_can_be_loaded_into_a_chat(
    llmd: Llmd, daemon: FakeDaemon, trip: str, tmp_path: Path
) -> None:
    llmd("sessions", "export", "Trip", "-o", str(tmp_path / "trip.json"))
    assert "2 messages" in llmd("chat", stdin=f"/load {tmp_path}/trip.json\nGo on.\n").out
    assert len(daemon.body("/v1/chat/completions")["messages"]) == 3


def test_all_are_deleted_and_what_was_typed_in_chats(
    llmd: Llmd, daemon: FakeDaemon, paths: Paths
) -> None:
    for title in ("Trip", "Diary"):
        daemon.kept.make(title, ("user", "Where?"), ("assistant", "Here."))
    paths.history_file.parent.mkdir(parents=True)
    paths.history_file.write_text("+Where?\n")
    result = llmd("sessions", "rm", "--all")
    assert (result.code, result.out.count("Deleted ")) == (0, 2)
    assert daemon.kept.sessions == []
    assert not paths.history_file.exists()


def test_those_are_deleted_that_went_on_last_long_ago(
    llmd: Llmd, daemon: FakeDaemon, paths: Paths
) -> None:
    for title, age in (("Trip", 40 * 86_400), ("Diary", 20 * 86_400)):
        daemon.kept.make(title, ("user", "Where?"), ("assistant", "Here."))
        daemon.kept.sessions[-1]["updated_at"] -= age
    assert llmd("sessions", "rm", "--older-than", "30d").out.endswith(" Trip\n")
    assert [one["title"] for one in daemon.kept.sessions] == ["Diary"]


@pytest.mark.parametrize(
    "arguments", ["", "Trip --all", "--all --older-than 1d", "--older-than soon", "--older-than -1"]
)
def test_what_to_delete_must_be_plain(llmd: Llmd, daemon: FakeDaemon, arguments: str) -> None:
    assert llmd("sessions", "rm", *arguments.split()).code == 2
    assert daemon.asked == []
