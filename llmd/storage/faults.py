"""What errors of the database mean: the one place where SQLAlchemy's and the drivers' exceptions
become llmd's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from llmd.errors import LlmdError, NoRoom, StorageFailed

_DISK_FULL = "53100"  # PostgreSQL's SQLSTATE
_NO_SPACE = {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"}
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Raise NoRoom or StorageFailed for what the database at `place` raises inside."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise explain(error, place) from error


def explain(error: SQLAlchemyError | OSError, place: str) -> LlmdError:
    """Return what an error means to people."""
    if isinstance(error, NoConnection):
        return StorageFailed(
            f"The database {place} is too busy.", hint="Try again in a moment.", retry_after=1
        )
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    name = getattr(cause, "sqlite_errorname", "")
    if name in _NO_SPACE or getattr(cause, "sqlstate", "") == _DISK_FULL:
        return NoRoom(
            f"There is no room left for the database {place}; nothing of this was kept.",
            hint="Free some disk space, and try again.",
        )
    if name.startswith(_DAMAGED):
        return StorageFailed(
            f"{place} is damaged, or no database at all.",
            hint="Put a copy back or move it away, and llmd makes a new one; it was not changed.",
        )
    if name.startswith(_LOCKED):
        return StorageFailed(
            f"Another program holds the database {place}.",
            hint="Try again in a moment.",
            retry_after=1,
        )
    server = place.startswith("postgresql")
    return StorageFailed(
        f"The database {place} cannot be used: {_in_short(cause)}.",
        hint="Look at `database.url`, and whether the server runs."
        if server
        else "Look at the disk, and at who owns the file.",
    )


def _in_short(cause: BaseException) -> str:
    """Return the first line: drivers add statements and parameters, which belong to users."""
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    lines = str(cause).splitlines() or [type(cause).__name__]
    # SQLAlchemy's wrapping of asyncpg: <class '...'>: what happened
    return lines[0].rpartition(">: ")[2].rstrip(".")
