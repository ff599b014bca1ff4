"""Brings a database to the newest schema; alembic is imported only when there is something to do.

Each start asks for one row. All steps run in one transaction that holds the database's write lock
(SQLite) or an advisory lock (PostgreSQL): of two daemons that start at once one migrates and the
other one finds it done, and a step that fails leaves what there was.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table, text

from llmd.errors import StorageFailed

_FOLDER = Path(__file__).parent / "migrations"
_TABLE = "llmd_schema"  # alembic's own name may be another program's, in a shared database
_LOCK = 0x6C6C6D64


@cache
def steps() -> tuple[str, ...]:
    """Return the numbers of all steps, in order."""
    names = (path.stem for path in (_FOLDER / "versions").glob("[0-9]*.py"))
    return tuple(sorted(name.partition("_")[0] for name in names))


def is_current(connection: Connection, place: str) -> bool:
    """Whether nothing is to be done; raise StorageFailed when a newer llmd has been here."""
    found = _revision(connection)
    if found is not None and found not in steps():
        raise StorageFailed(
            f"The database {place} was written by a newer llmd (schema {found}, this one knows "
            f"{steps()[-1]}).",
            hint="Use that version, or another database; this one was not changed.",
        )
    return found == steps()[-1]


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    found: str | None = connection.scalar(select(column("version_num")).select_from(table(_TABLE)))
    return found


def upgrade(connection: Connection, place: str) -> None:
    """Run the steps that are missing, in the transaction under way."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if not is_current(connection, place):  # another daemon may have been quicker
        _run(connection)


def _run(connection: Connection) -> None:
    from alembic.config import Config  # noqa: PLC0415  70 ms that most starts can do without
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415  as above
    from alembic.runtime.migration import MigrationStep  # noqa: PLC0415  as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415  as above

    script = ScriptDirectory(str(_FOLDER))

    def missing(found: Any, _context: object) -> list[Any]:
        newest_first = script.iterate_revisions("head", found, implicit_base=True)
        return [
            MigrationStep.upgrade_from_script(script.revision_map, step)
            for step in reversed(list(newest_first))
        ]

    environment = EnvironmentContext(Config(), script, fn=missing)
    environment.configure(connection=connection, version_table=_TABLE)
    environment.run_migrations()
