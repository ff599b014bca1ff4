from __future__ import annotations

from typing import Any

import pytest

from llmd.config.settings import AuthMode
from llmd.errors import InvalidRequest
from llmd.protocol.accounts import ApiKey, User
from llmd.protocol.callers import EVERYTHING, USUAL, Role, Scope
from llmd.protocol.limits import Allowance
from llmd.tui import access
from llmd.tui.cells import Column, Row

NOW = 1_000_000.0


def key(**fields: Any) -> ApiKey:
    plain: dict[str, Any] = {
        "prefix": "llmd-abc",
        "name": "laptop",
        "scopes": USUAL,
        "created_at": 0.0,
    }
    return ApiKey(id="k1", **{**plain, **fields})


def texts(row: Row, columns: tuple[Column, ...]) -> dict[str, str]:
    return {column.name: cell.text for column, cell in zip(columns, row.cells, strict=True)}


def shown(**fields: Any) -> dict[str, str]:
    return texts(access.key_row(key(**fields), "anna", NOW), access.KEY_COLUMNS)


def test_a_key_tells_whose_it_is_and_what_it_may() -> None:
    assert shown() == {
        "KEY": "llmd-abc",
        "NAME": "laptop",
        "USER": "anna",
        "STATE": "enabled",
        "MAY": "generate models:read sessions",
        "USED": "never",
        "EXPIRES": "never",
        "LIMITS": "",
    }


def test_times_and_limits_of_a_key_are_told() -> None:
    limits = Allowance(requests_per_minute=60, tokens_per_day=0)
    found = shown(last_used=NOW - 90, expires_at=NOW + 86400 * 3, limits=limits, scopes=EVERYTHING)
    assert (found["USED"], found["EXPIRES"], found["MAY"]) == ("1m30 ago", "in 3d", "all")
    assert found["LIMITS"] == "60 requests/min, no limit of tokens/day"


def test_keys_that_let_nobody_in_say_why() -> None:
    assert shown(enabled=False)["STATE"] == "disabled"
    assert shown(expires_at=NOW)["STATE"] == "expired"
    assert shown(scopes=frozenset())["MAY"] == "nothing"


def test_an_account_tells_its_role_and_last_login() -> None:
    user = User(id="u1", name="anna", role=Role.ADMIN, created_at=0.0, last_login=NOW - 3600)
    found = texts(access.user_row(user, NOW), access.USER_COLUMNS)
    assert found == {
        "USER": "anna",
        "ROLE": "admin",
        "STATE": "enabled",
        "LOGIN": "1h00 ago",
        "LIMITS": "",
    }


def test_every_mode_is_explained() -> None:
    assert set(access.MODES) == {str(mode) for mode in AuthMode}


def order(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": " laptop ",
        "user": "",
        "expires": "",
        "scopes": [Scope.GENERATE],
        "limits": {},
    }
    return access.key_order(**{**plain, **changes})


def test_a_form_becomes_an_order_for_a_key() -> None:
    assert order(expires="30d", limits={"requests_per_minute": "60", "concurrent": ""}) == {
        "name": "laptop",
        "user": "",
        "scopes": ["generate"],
        "expires_in": 30 * 86400.0,
        "limits": {"requests_per_minute": 60, "concurrent": None},
    }


@pytest.mark.parametrize("expires", ["", "never", "-1"])
def test_a_key_may_count_for_ever(expires: str) -> None:
    assert order(expires=expires)["expires_in"] is None


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"expires": "soon"}, "expires"),
        ({"scopes": []}, "scopes"),
        ({"limits": {"concurrent": "-3"}}, "concurrent"),
        ({"limits": {"tokens_per_day": "lots"}}, "tokens_per_day"),
    ],
)
def test_a_wrong_field_of_a_key_is_named(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        order(**changes)
    assert refused.value.param == param
