from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest
from llmd.security.naming import check_name, check_password, folded, is_text, make_password


@pytest.mark.parametrize("name", ["ann", "Ann.Lee", "张伟", "a", "ann+bot@example.com", "_x-1"])
def test_names_of_people_are_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../etc/passwd",
        "a/b",
        "a b",
        "' OR 1=1 --",
        'x"; DROP TABLE users; --',
        "a\0b",
        "a\n",
        "x" * 65,
        "\ud800",
        "%2e%2e",
        "-rf",
        "123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_path_tricks_and_sql_are_no_names(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_name(name)
    assert refused.value.param == "name"


def test_names_that_look_alike_are_one() -> None:
    assert folded("Ann") == folded("ann") == folded("\uff21nn")
    assert folded("straße") == folded("STRASSE")
    assert check_name("\uff21nn") == "Ann"


def test_passwords_have_a_sensible_length() -> None:
    check_password("12345678")
    check_password("密码密码密码密码")
    for bad in ("1234567", "x" * 1025, "null\0null", "half\ud800half"):
        with pytest.raises(InvalidRequest) as refused:
            check_password(bad)
        assert refused.value.param == "password"
        assert bad not in str(refused.value)


def test_what_no_database_takes_is_no_text() -> None:
    assert is_text("文")
    assert not is_text("\udcff")
    assert not is_text("a\0b")


def test_passwords_that_are_made_may_be_used_and_differ() -> None:
    made = {make_password() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        check_password(password)
        assert not set(password) & set("01loiIO")
