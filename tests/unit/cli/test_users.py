from __future__ import annotations

from typing import Any

import pytest

from llmd.errors import NameTaken, NotFound
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

ANN: dict[str, Any] = {
    "id": "1",
    "name": "ann",
    "role": "admin",
    "enabled": True,
    "created_at": 0.0,
    "last_login": None,
    "limits": {"requests_per_minute": 60, "concurrent": None},
}


def test_add_reads_the_password_from_stdin(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/users"] = ANN
    result = llmd(
        "users", "add", "ann", "--role", "admin", "--password-stdin", "--rpm", "60",
        stdin="correct horse\nnot this\n",
    )  # fmt: skip
    assert result.out == "added ann (admin)\n"
    assert daemon.body("/control/users") == {
        "name": "ann",
        "password": "correct horse",
        "role": "admin",
        "limits": {"requests_per_minute": 60},
    }
    as_json = llmd("users", "add", "ann", "--password-stdin", "--json", stdin="correct horse")
    assert as_json.json == ANN


def test_without_a_terminal_a_password_must_come_by_stdin(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("users", "add", "ann", stdin="correct horse\n")
    assert result.code == 2
    assert "--password-stdin" in result.err
    assert daemon.asked == []


def test_on_a_terminal_the_password_is_asked_for_twice(
    llmd: Llmd, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers["/control/users"] = ANN
    asked: list[dict[str, object]] = []

    def prompt(text: str, **how: object) -> str:
        asked.append(how)
        return "correct horse"

    monkeypatch.setattr("llmd.cli.users.typer.prompt", prompt)
    monkeypatch.setattr("llmd.cli.users._at_terminal", lambda: True)
    assert llmd("users", "add", "ann").code == 0
    assert asked == [{"hide_input": True, "confirmation_prompt": True}]


def test_a_role_that_is_none_is_wrong_usage(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("users", "add", "ann", "--role", "god", "--password-stdin").code == 2


def test_ls_shows_people_and_their_state(llmd: Llmd, daemon: FakeDaemon) -> None:
    bob = {**ANN, "name": "张伟", "role": "user", "enabled": False, "last_login": 1.0, "limits": {}}
    daemon.answers["/control/users"] = {"users": [ANN, bob]}
    lines = llmd("users", "ls").out.splitlines()
    assert lines[0].split() == ["NAME", "ROLE", "STATE", "ADDED", "LAST", "LOGIN", "LIMITS"]
    assert lines[1].split()[:3] == ["ann", "admin", "enabled"]
    assert "never" in lines[1]
    assert "60 req/min" in lines[1]
    assert lines[2].split()[:3] == ["张伟", "user", "disabled"]
    assert llmd("users", "ls", "--json").json == {"users": [ANN, bob]}


def test_names_are_quoted_in_paths(llmd: Llmd, daemon: FakeDaemon) -> None:
    path = "/control/users/a%2F..%3F%27"
    daemon.answers[path] = {**ANN, "removed": "a/..?'"}
    assert llmd("users", "rm", "a/..?'").out == "removed a/..?'\n"
    assert daemon.asked == [("DELETE", path, None)]


@pytest.mark.parametrize(
    ("command", "body", "says"),
    [
        (["enable", "ann"], {"enabled": True}, "enabled ann"),
        (["disable", "ann"], {"enabled": False}, "disabled ann"),
        (["limit", "ann", "--concurrent", "0"], {"limits": {"concurrent": 0}}, "ann: 60 req/min"),
        (["passwd", "ann", "--password-stdin"], {"password": "new one"}, "changed the password"),
    ],
)
def test_changes_are_sent(
    llmd: Llmd, daemon: FakeDaemon, command: list[str], body: dict[str, Any], says: str
) -> None:
    daemon.answers["/control/users/ann"] = ANN
    assert llmd("users", *command, stdin="new one\n").out.startswith(says)
    assert daemon.body("/control/users/ann") == body


def test_audit_shows_what_was_done_newest_last(llmd: Llmd, daemon: FakeDaemon) -> None:
    login = {
        "at": 2.0,
        "kind": "login",
        "actor": "user:ann",
        "subject": "ann",
        "address": "192.0.2.1",
        "detail": "",
    }
    added = {**login, "at": 1.0, "kind": "user_added", "actor": "owner", "detail": "admin"}
    daemon.answers["/control/audit?limit=30"] = {"entries": [login, added]}
    lines = llmd("users", "audit").out.splitlines()
    assert lines[0].split() == ["WHEN", "WHAT", "BY", "ON", "FROM", "DETAIL"]
    assert ["user_added" in lines[1], "login" in lines[2]] == [True, True]
    daemon.answers["/control/audit?limit=5"] = {"entries": [login]}
    assert llmd("users", "audit", "-n", "5", "--json").json == {"entries": [login]}


def test_what_the_daemon_refuses_is_said(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.failures["/control/users"] = NameTaken("There is a user ann already.")
    taken = llmd("users", "add", "ann", "--password-stdin", stdin="correct horse")
    assert (taken.code, taken.err) == (1, "Error: There is a user ann already.\n")
    daemon.failures["/control/users/bob"] = NotFound("There is no user 'bob'.")
    assert llmd("users", "rm", "bob").code == 1
