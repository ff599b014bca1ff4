from __future__ import annotations

import time
from typing import Any

import pytest

from llmd.cli.keys import ScopeChoice
from llmd.errors import NotFound
from llmd.protocol.callers import Scope
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

KEY: dict[str, Any] = {
    "id": "1",
    "prefix": "llmd-abcd1234",
    "name": "laptop",
    "user": "u",
    "scopes": ["sessions", "generate"],
    "enabled": True,
    "created_at": 0.0,
    "expires_at": None,
    "last_used": None,
    "limits": {},
}
MADE = {"key": KEY, "secret": "llmd-abcd1234-the-rest"}


def test_add_prints_the_secret_alone_on_stdout(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/keys"] = MADE
    result = llmd(
        "keys", "add", "--user", "ann", "--name", "laptop", "--scope", "generate",
        "--scope", "models:read", "--expires", "30d", "--tpd", "1000",
    )  # fmt: skip
    assert result.out == "llmd-abcd1234-the-rest\n"
    assert "cannot show it again" in result.err
    assert daemon.body("/control/keys") == {
        "user": "ann",
        "name": "laptop",
        "scopes": ["generate", "models:read"],
        "expires_in": 30 * 86400.0,
        "limits": {"tokens_per_day": 1000},
    }
    assert llmd("keys", "add", "--json").json == MADE
    assert daemon.body("/control/keys")["expires_in"] is None


def test_an_end_that_is_none_is_wrong_usage(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("keys", "add", "--expires", "tomorrow")
    assert result.code == 2
    assert "30s" in result.err
    assert daemon.asked == []
    daemon.answers["/control/keys"] = MADE
    assert llmd("keys", "add", "--expires", "-1").code == 0
    assert daemon.body("/control/keys")["expires_in"] is None


def test_all_scopes_can_be_chosen() -> None:
    assert {str(choice) for choice in ScopeChoice} == {str(scope) for scope in Scope}
    assert {choice.name for choice in ScopeChoice} == {scope.name for scope in Scope}


def test_ls_shows_keys_without_their_secrets(llmd: Llmd, daemon: FakeDaemon) -> None:
    now = time.time()
    off = {**KEY, "enabled": False, "name": "off", "last_used": now, "expires_at": now + 7205}
    over = {**KEY, "name": "over", "expires_at": now - 5}
    rows = [{"key": key, "user": user} for key, user in ((KEY, "ann"), (off, ""), (over, ""))]
    daemon.answers["/control/keys"] = {"keys": rows}
    lines = llmd("keys", "ls").out.splitlines()
    assert lines[0].split()[:5] == ["KEY", "NAME", "USER", "STATE", "SCOPES"]
    assert lines[1].split() == [
        "llmd-abcd1234", "laptop", "ann", "enabled", "generate", "sessions", "never", "never",
    ]  # fmt: skip
    assert "disabled" in lines[2]
    assert "in 2 h" in lines[2]
    assert "expired" in lines[3]
    listed = llmd("keys", "ls", "--json").json["keys"]
    assert [key["user_name"] for key in listed] == ["ann", "", ""]


def test_ls_can_be_of_one_user(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/keys?user=%E5%BC%A0%E4%BC%9F"] = {"keys": []}
    assert llmd("keys", "ls", "--user", "张伟", "--json").json == {"keys": []}


def test_usage_sums_what_keys_have_used(llmd: Llmd, daemon: FakeDaemon) -> None:
    today = time.time() // 86_400 * 86_400
    days = [
        {"start": today - 86_400, "tokens": 1_234_567, "answers": 3},
        {"start": today, "tokens": 5, "answers": 1},
    ]
    key = {"id": "1", "prefix": "llmd-abcd1234", "name": "laptop", "user": "ann", "days": days}
    daemon.answers["/control/usage?days=30"] = {"keys": [key, {**key, "days": [], "name": "new"}]}
    lines = llmd("keys", "usage").out.splitlines()
    assert lines[0].split() == ["KEY", "NAME", "USER", "TODAY", "30", "DAYS", "ANSWERS"]
    assert lines[1].split() == ["llmd-abcd1234", "laptop", "ann", "5", "1,234,572", "4"]
    assert lines[2].split() == ["llmd-abcd1234", "new", "ann", "0", "0", "0"]
    assert llmd("keys", "usage", "--json").json["keys"][0] == key


def test_usage_of_one_key_is_by_the_day(llmd: Llmd, daemon: FakeDaemon) -> None:
    days = [{"start": 86_400.0, "tokens": 1_200, "answers": 7}]
    key = {"id": "1", "prefix": "llmd-abcd1234", "name": "张伟", "user": "", "days": days}
    daemon.answers["/control/usage?days=7&key=%E5%BC%A0%E4%BC%9F"] = {"keys": [key]}
    lines = llmd("keys", "usage", "张伟", "--days", "7").out.splitlines()
    assert [line.split() for line in lines] == [
        ["DAY", "TOKENS", "ANSWERS"],
        ["1970-01-02", "1,200", "7"],
    ]
    daemon.failures["/control/usage?days=30&key=gone"] = NotFound("There is no key 'gone'.")
    assert llmd("keys", "usage", "gone").code == 1
    assert llmd("keys", "usage", "--days", "0").code == 2


@pytest.mark.parametrize(
    ("command", "body", "says"),
    [
        (["enable"], {"enabled": True}, "enabled llmd-abcd1234"),
        (["disable"], {"enabled": False}, "disabled llmd-abcd1234"),
        (["limit", "--rpm", "5"], {"limits": {"requests_per_minute": 5}}, "llmd-abcd1234: as"),
    ],
)
def test_changes_are_sent(
    llmd: Llmd, daemon: FakeDaemon, command: list[str], body: dict[str, Any], says: str
) -> None:
    daemon.answers["/control/keys/laptop"] = KEY
    verb, *rest = command
    assert llmd("keys", verb, "laptop", *rest).out.startswith(says)
    assert daemon.body("/control/keys/laptop") == body


def test_rm_names_the_key_that_went(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/keys/a%2Fb"] = {"removed": "llmd-abcd1234"}
    assert llmd("keys", "rm", "a/b").out == "removed llmd-abcd1234\n"
    daemon.failures["/control/keys/gone"] = NotFound("There is no key 'gone'.")
    assert llmd("keys", "rm", "gone").code == 1
