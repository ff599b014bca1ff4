"""What is shown: amounts in words, tables, JSON on stdout, notes on stderr."""

import shutil
import sys
import time
from collections.abc import Iterable, Sequence

import msgspec
import typer

from llmd.cli import loudness
from llmd.cli.columns import Column, Layout, arranged, named

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_THOUSAND = 1000
_TEN = 10


def size(count: float) -> str:
    """Return bytes as people write them: `4.2 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < _THOUSAND:
            return (
                f"{count:.0f} {unit}"
                if unit == "B" or count >= _TEN * _TEN
                else f"{count:.1f} {unit}"
            )
        count /= _THOUSAND
    return f"{count:.1f} TB"


def count(number: float) -> str:
    """Return a large number in short: `7.6B`."""
    for unit in ("", "K", "M", "B"):
        if number < _THOUSAND:
            return (
                f"{number:.0f}{unit}"
                if not unit or number >= _TEN * _TEN
                else f"{number:.1f}{unit}"
            )
        number /= _THOUSAND
    return f"{number:.1f}T"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: `2 h 5 min`."""
    if seconds < _TEN:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    for large, small, names in ((_HOUR, _MINUTE, ("h", "min")), (_MINUTE, 1, ("min", "s"))):
        if large <= whole < _DAY:
            first, rest = divmod(whole, large)
            return (
                f"{first} {names[0]} {rest // small} {names[1]}"
                if rest >= small
                else f"{first} {names[0]}"
            )
    days, rest = divmod(whole, _DAY)
    return f"{days} d {rest // _HOUR} h" if rest >= _HOUR else f"{days} d"


def ago(moment: float) -> str:
    """Return how long ago a moment was, in its largest unit."""
    passed = time.time() - moment
    for unit, length in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE)):
        if passed >= length:
            number = int(passed // length)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def print_json(value: object) -> None:
    """Print one JSON document on stdout."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_json_line(value: object) -> None:
    """Print one line of NDJSON on stdout, at once."""
    typer.echo(msgspec.json.encode(value))
    sys.stdout.flush()


def note(text: str) -> None:
    """Say something beside the result, on stderr, unless nothing is wanted there."""
    if loudness.quiet():
        return
    typer.echo(text, err=True)


def table(headings: Sequence[str | Column], rows: Iterable[Sequence[str]]) -> None:
    """Print columns; on a terminal they fit its width as far as they can, and what is left out is
    named. Elsewhere nothing is cut.
    """
    from rich.cells import cell_len

    columns = named(headings)
    cells = [[" ".join(cell.splitlines()) for cell in row] for row in rows]
    widths = [max(map(cell_len, column), default=0) for column in zip(*cells, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    layout = arranged(columns, widths or [1] * len(columns), room)
    typer.secho(_line([column.heading for column in columns], layout), bold=True)
    for row in cells:
        typer.echo(_line(row, layout))
    left_out = [
        column.heading
        for place, column in enumerate(columns)
        if place not in layout.widths and column.heading and widths[place]
    ]
    if left_out:
        note(f"Not shown in {room} columns: {', '.join(left_out)}.")


def _line(row: Sequence[str], layout: Layout) -> str:
    from rich.cells import cell_len, set_cell_size

    shown = (
        set_cell_size(row[place], width)
        if cell_len(row[place]) <= width
        else set_cell_size(row[place], width - 1) + "…"
        for place, width in layout.widths.items()
    )
    return (" " * layout.gap).join(shown).rstrip()


def fields(pairs: Iterable[tuple[str, str]]) -> None:
    """Print `name  value` lines; empty values are left out."""
    shown = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        typer.echo(f"{name.ljust(width)}  {value}")
