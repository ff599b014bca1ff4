"""Insert a row, or change the one that is there: in one statement, since on a server another daemon
may insert it between a look and the insertion.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from sqlalchemy import Executable, Table
from sqlalchemy.ext.asyncio import AsyncConnection


def upsert(
    connection: AsyncConnection,
    table: Table,
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
) -> Executable:
    """Return the statement that inserts `values`, or makes `changes` in the row with the same
    primary key; these may be expressions over the table's columns.
    """
    # the other one need not be loaded
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement: Executable = (
        dialect.insert(table)
        .values(dict(values))
        .on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=dict(changes))
    )
    return statement
