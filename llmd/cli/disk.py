"""The disk: `llmd du gc verify`."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

Event = dict[str, Any]

_SOUND = frozenset({"ok", "recorded", "structure"})
_WORDS = {
    "recorded": "whole; its digest is kept from now on",
    "structure": "whole, as far as its header tells",
}


def du(as_json: options.AsJson = False, start: options.AutoStart = True) -> None:
    """Show what models, caches and downloads take of the disk; shared files count once."""
    from llmd.cli import render
    from llmd.cli.connect import client

    use = client(start=start).get("/control/disk")
    if as_json:
        render.print_json(use)
        return
    rows = [
        (
            model["name"],
            render.size(model["size"]),
            render.size(model["shared"]) if model["shared"] else "-",
            "llmd" if model["owned"] else "others",
        )
        for model in use["models"]
    ]
    render.table(("MODEL", Column("SIZE", 2), "SHARED", Column("OWNER", 1)), rows)
    typer.echo()
    render.fields(
        [
            ("models", render.size(use["owned"])),
            ("warm prefixes", render.size(use["prefixes"])),
            ("unfinished downloads", render.size(use["partial"])),
            ("logs", render.size(use["logs"])),
            ("records", render.size(use["records"])),
            ("llmd's in all", render.size(use["total"])),
            ("others' models", render.size(use["foreign"])),
            ("free", render.size(use["free"])),
            ("to be cleared", f"{render.size(use['garbage'])}: llmd gc" if use["garbage"] else ""),
        ]
    )


def gc(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would go, delete nothing.")
    ] = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Delete what nobody needs: orphaned files, left temporaries, abandoned downloads."""
    from llmd.cli import render
    from llmd.cli.connect import client

    cleared = client(start=start).post("/control/gc", {"dry": dry_run})
    if as_json:
        render.print_json(cleared)
        return
    for piece in cleared["pieces"]:
        typer.echo(f"{piece['why']}  {render.size(piece['size'])}  {piece['path']}")
    for reason in cleared["held"]:
        render.note(reason)
    done = "would be freed" if dry_run else "freed"
    typer.echo(f"{render.size(cleared['freed'])} {done}, {len(cleared['pieces'])} files")


def verify(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Names of models; default: all.",
            autocompletion=Kind.MODELS.names,
        ),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Fetch damaged parts again, and only those.")
    ] = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Read models whole and compare their digests; exit code 1 when one is damaged."""
    from llmd.cli import progress
    from llmd.cli.connect import client

    order = {"models": models or [], "repair": repair}
    show = progress.choose(as_json=as_json, bar=_bar, lines=_lines)
    with client(start=start).stream_lines("/control/verify", order) as events:
        last = show(events)
    if last.get("damaged"):
        raise typer.Exit(1)


def _bar(events: Iterable[Event]) -> Event:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from llmd.cli.progress import pace

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    last: Event = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying", total=None, pace="")
        for last in events:
            if "status" in last:
                shown = pace({**last, "status": "downloading"})
                bar.update(
                    task,
                    description=f"{last['status']} {last['model']}",
                    completed=last["done"],
                    total=last["total"] or None,
                    pace=shown,
                )
            else:
                _say(last, bar.console.print)
    return last


def _lines(events: Iterable[Event]) -> Event:
    last: Event = {}
    for last in events:
        if "status" not in last:
            _say(last, typer.echo)
    return last


def _say(event: Event, out: Any) -> None:
    """Print one model's health; a bar's console keeps its lines apart from the bar."""
    if "files" not in event:
        return
    words = [_file(file) for file in event["files"] if file["state"] not in _SOUND]
    states = {file["state"] for file in event["files"]}
    fine = next((_WORDS[state] for state in ("structure", "recorded") if state in states), "ok")
    head = "repaired" if event["repaired"] else "DAMAGED" if words else fine
    out("\n".join([f"{event['name']}: {head}", *words, *filter(None, [event["note"]])]))


def _file(file: Event) -> str:
    where = ", ".join(f"bytes {start} to {end}" for start, end in file["damage"])
    return f"  {file['path']}: {file['reason']}{f' ({where})' if where else ''}"
