from __future__ import annotations

import errno
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from llmd.errors import LlmdError, NoRoom, StorageFailed
from llmd.storage.faults import explain, explained


class Cause(sqlite3.OperationalError):
    """What a driver raised."""

    def __init__(self, text: str, **names: str) -> None:
        super().__init__(text)
        for name, value in names.items():
            setattr(self, name, value)


def wrapped(cause: Exception) -> OperationalError:
    return OperationalError("INSERT INTO messages ...", {"content": "a secret"}, cause)


@pytest.mark.parametrize(
    ("cause", "kind", "words"),
    [
        (Cause("full", sqlite_errorname="SQLITE_FULL"), NoRoom, "no room left"),
        (Cause("full", sqlstate="53100"), NoRoom, "no room left"),
        (Cause("x", sqlite_errorname="SQLITE_CORRUPT_INDEX"), StorageFailed, "damaged"),
        (Cause("x", sqlite_errorname="SQLITE_NOTADB"), StorageFailed, "damaged"),
        (Cause("x", sqlite_errorname="SQLITE_BUSY_SNAPSHOT"), StorageFailed, "Another program"),
        (Cause("<class 'E'>: gone away\nmore"), StorageFailed, "cannot be used: gone away."),
    ],
)
def test_causes_are_told_apart(cause: Exception, kind: type[LlmdError], words: str) -> None:
    error = explain(wrapped(cause), "/d/llmd.db")
    assert type(error) is kind
    assert words in error.message
    assert "/d/llmd.db" in error.message
    assert error.hint
    assert "secret" not in str(error)
    assert "INSERT" not in str(error)


def test_those_who_waited_too_long_may_come_back() -> None:
    assert explain(NoConnection("pool"), "x").retry_after == 1


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(StorageFailed, match="Connection refused"), explained("db"):
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def test_errors_of_llmd_pass() -> None:
    with pytest.raises(NoRoom, match="mine"), explained("db"):
        raise NoRoom("mine")
