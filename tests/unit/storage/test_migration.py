from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from llmd.errors import StorageFailed
from llmd.storage import Database
from llmd.storage.migration import steps
from llmd.storage.tables import METADATA


def test_steps_are_numbered_without_gaps() -> None:
    assert list(steps()) == [f"{number:04}" for number in range(1, len(steps()) + 1)]


async def test_the_steps_lead_to_the_tables_as_they_are_declared(place: str | Path) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": False}
        )
        return [
            found
            for found in compare_metadata(context, METADATA)
            if not (found[0] == "remove_table" and found[1].name == "llmd_schema")
        ]

    database = Database(place)
    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_a_step_that_fails_leaves_what_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(Path(__file__).parents[3] / "llmd" / "storage" / "migrations", folder)
    bad = f"{len(steps()) + 1:04}"
    (folder / "versions" / f"{bad}_bad.py").write_text(
        f'revision = "{bad}"\ndown_revision = "{steps()[-1]}"\n'
        "def upgrade():\n    from alembic import op\n    op.execute('CREATE TABLE half (x int)')\n"
        "    op.execute('NO SQL')\n"
    )
    monkeypatch.setattr("llmd.storage.migration._FOLDER", folder)
    monkeypatch.setattr("llmd.storage.migration.steps", lambda: (*steps(), bad))
    database = Database(tmp_path / "llmd.db")
    with pytest.raises(StorageFailed):
        await database.open()
    await database.close()
    engine = create_engine(f"sqlite:///{tmp_path}/llmd.db")
    assert inspect(engine).get_table_names() == []
    engine.dispose()


async def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "llmd.db")
    async with database.writing() as connection:
        await connection.execute(text("UPDATE llmd_schema SET version_num = '9999'"))
    await database.close()
    before = (tmp_path / "llmd.db").read_bytes()
    newer = Database(tmp_path / "llmd.db")
    with pytest.raises(StorageFailed, match="newer llmd") as caught:
        await newer.open()
    assert "not changed" in caught.value.hint
    await newer.close()
    assert (tmp_path / "llmd.db").read_bytes() == before


async def test_several_that_start_at_once_migrate_once(place: str | Path) -> None:
    if isinstance(place, Path):
        place.unlink()
    databases = [Database(place) for _ in range(8)]
    await asyncio.gather(*(each.open() for each in databases))
    for each in databases:
        async with each.reading() as connection:
            found = (await connection.execute(text("SELECT version_num FROM llmd_schema"))).all()
            assert found == [(steps()[-1],)]
        await each.close()


async def test_a_new_file_that_another_one_writes_is_waited_for(tmp_path: Path) -> None:
    # SQLite waits for the lock everywhere but where it begins a write-ahead log
    other = sqlite3.connect(tmp_path / "llmd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = Database(tmp_path / "llmd.db")
    opening = asyncio.ensure_future(database.open())
    await asyncio.wait([opening], timeout=0.3)
    assert not opening.done()
    other.execute("COMMIT")
    await opening
    await database.close()
    other.close()


def test_opening_a_current_database_loads_no_alembic(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom llmd.storage import Database\n"
        "async def main():\n"
        f"    database = Database(Path({str(tmp_path / 'llmd.db')!r}))\n"
        "    await database.open()\n    await database.close()\n"
        "asyncio.run(main())\nprint('alembic' in sys.modules)\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout.split() for run in runs] == [["True"], ["False"]]


def test_all_tables_can_be_made_in_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
    assert any("number BIGSERIAL" in statement for statement in made)
    for table in METADATA.sorted_tables:
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))
