"""Types of column that SQLite and PostgreSQL keep alike.

Times are seconds since 1970 in UTC, as double precision: a timestamp type would come back with or
without a zone, depending on the database.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Dialect, Double, Integer
from sqlalchemy import Text as SqlText
from sqlalchemy.types import TypeDecorator

Moment = Double
"""Seconds since 1970, UTC."""

Number = BigInteger().with_variant(Integer, "sqlite")
"""A row's number, given by the database; SQLite counts only where the type is called INTEGER."""


class Text(TypeDecorator[str]):
    """Text of any length and any characters; PostgreSQL cannot hold U+0000, which becomes U+FFFD
    there.
    """

    impl = SqlText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what can be stored."""
        if value is not None and dialect.name == "postgresql":
            return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        return value


class Json(TypeDecorator[Any]):
    """JSON-ready values as their text, the same bytes in both databases."""

    impl = SqlText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002  as the base has it
        """Return the JSON."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002  as the base has it
        """Return what it stands for."""
        return None if value is None else msgspec.json.decode(value)
