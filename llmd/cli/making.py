"""Shows how a model comes about that may have to be fetched, quantised and loaded: one bar on a
terminal, lines elsewhere. Takes the events of all three.
"""

from collections.abc import Iterable

from llmd.cli import render
from llmd.cli.progress import Event

_AT_WORK = {"downloading", "quantizing", "loading"}


def bar(events: Iterable[Event]) -> Event:
    """Show each step as a bar with what is left of it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    last: Event = {}
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, pace="")
        for last in events:
            if "status" in last:
                share = fraction(last)
                progress.update(
                    task,
                    description=label(last),
                    completed=share or 0.0,
                    total=None if share is None else 1.0,
                    pace=pace(last),
                )
    return last


def lines(events: Iterable[Event]) -> Event:
    """Show a line for every step and every tenth of the way."""
    last: Event = {}
    shown: object = None
    for last in events:
        # loading is quick, and its end is told by whoever asked for it
        if "status" not in last or "fraction" in last:
            continue
        share = fraction(last)
        tenth = int(10 * share) if share is not None else 0
        if (last["status"], tenth) != shown:
            shown = (last["status"], tenth)
            percent = f" {10 * tenth}%" if share is not None and last["status"] in _AT_WORK else ""
            of = f" of {render.size(last['total'])}" if percent and last.get("total") else ""
            render.note(
                f"{last['status']} {last.get('name', '')}{percent}{of} {pace(last)}".rstrip()
            )
    return last


def label(event: Event) -> str:
    """Return what is being done, to which tensor or file."""
    if event["status"] == "quantizing" and event.get("tensors"):
        return f"quantizing tensor {event['tensor']} of {event['tensors']}"
    name = str(event.get("name") or "").rpartition("/")[2]
    return f"{event['status']} {name}".rstrip()


def fraction(event: Event) -> float | None:
    """Return the share of the step that is done; None: unknown."""
    if "fraction" in event:
        return float(event["fraction"])
    return min(event.get("done", 0) / event["total"], 1.0) if event.get("total") else None


def pace(event: Event) -> str:
    """Return rate and remaining time of what counts bytes."""
    rate = event.get("rate") or 0
    if not rate or event["status"] not in _AT_WORK:
        return ""
    left = max(event.get("total", 0) - event.get("done", 0), 0)
    return f"{render.size(rate)}/s" + (f", {render.duration(left / rate)} left" if left else "")
