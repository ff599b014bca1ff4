"""Long work on screen: bars on a terminal, percentages elsewhere, NDJSON for programs. All of it
but JSON on stderr.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from llmd.cli import loudness, render

Event = dict[str, Any]
Show = Callable[[Iterable[Event]], Event]
"""Consumes a stream of events, shows them and returns the last one."""


def choose(*, as_json: bool, bar: Show, lines: Show) -> Show:
    """Return how to show a stream here."""
    if as_json:
        return json_lines
    return bar if sys.stderr.isatty() and not loudness.quiet() else lines


def json_lines(events: Iterable[Event]) -> Event:
    """Pass every event on."""
    last: Event = {}
    for last in events:
        render.print_json_line(last)
    return last


def pull_bar(events: Iterable[Event]) -> Event:
    """Show a download as a bar with bytes, rate and time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    last: Event = {}
    with Progress(
        *columns, console=Console(stderr=True, highlight=False), transient=False
    ) as progress:
        task = progress.add_task("resolving", total=None, pace="")
        for last in events:
            if "model" not in last:
                label = _file_name(last) if last["status"] == "downloading" else last["status"]
                if last.get("note"):
                    label = f"{label}: {_note(last)}"
                progress.update(
                    task,
                    description=label,
                    completed=last.get("done", 0),
                    total=last.get("total") or None,
                    pace=pace(last),
                )
    return last


def pull_lines(events: Iterable[Event]) -> Event:
    """Show a download as a line for every step and every tenth of the way."""
    last: Event = {}
    shown: object = None
    for last in events:
        if "model" in last:
            continue
        tenth = 10 * last.get("done", 0) // last["total"] if last.get("total") else 0
        step = (last["status"], last.get("file"), tenth, last.get("note"))
        if step != shown:
            shown = step
            done = (
                f" {10 * tenth}% of {render.size(last['total'])} {pace(last)}"
                if last.get("total")
                else ""
            )
            note = f": {_note(last)}" if last.get("note") else ""
            render.note(f"{last['status']} {_file_name(last)}{done}".rstrip() + note)
    return last


def pace(event: Event) -> str:
    """Return rate and remaining time of a download."""
    rate = event.get("rate") or 0
    if not rate or event.get("status") != "downloading":
        return ""
    left = max(event.get("total", 0) - event.get("done", 0), 0)
    remaining = f", {render.duration(left / rate)} left" if left else ""
    return f"{render.size(rate)}/s{remaining}"


def _note(event: Event) -> str:
    """Say what is unusual, and until when it waits."""
    until = event.get("waiting_until")
    when = f" until {datetime.fromtimestamp(until, UTC).astimezone():%H:%M}" if until else ""
    return f"{event['note']}{when}"


def _file_name(event: Event) -> str:
    return str(event.get("file") or event.get("name") or "").rpartition("/")[2]


def load_bar(events: Iterable[Event]) -> Event:
    """Show loading as a bar that goes away when the model is there."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    last: Event = {}
    columns = (TextColumn("loading {task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        for last in events:
            name = (last.get("model") or {}).get("name", "")
            progress.update(task, description=name, completed=last.get("fraction", 0.0))
    return last


def load_silently(events: Iterable[Event]) -> Event:
    """Wait for the end."""
    return next(iter(deque(events, maxlen=1)), {})
