"""What `llmd show` prints is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Section(NamedTuple):
    """A heading, lines below it, and perhaps a table; empty values are not shown."""

    title: str
    lines: list[tuple[str, str]]
    headings: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()
