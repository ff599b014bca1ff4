"""`llmd pull`: download a model; leaving it with Ctrl-C keeps what is there."""

from typing import Annotated

import typer

from llmd.cli import options


def pull(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="An alias such as qwen3-4b, or OWNER/REPO[:QUANT]."),
    ],
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Download a model; run it again to resume."""
    from llmd.cli import progress, render
    from llmd.cli.connect import client

    show = progress.choose(as_json=as_json, bar=progress.pull_bar, lines=progress.pull_lines)
    try:
        with client(start=start).stream_lines("/control/pull", {"name": name}) as events:
            last = show(events)
    except KeyboardInterrupt:
        render.note(f"paused; run the same command to resume: llmd pull {name}")
        raise
    manifest = last.get("model") or {}
    if not as_json:
        render.note(
            f"{manifest.get('name', name)} is ready: llmd chat {manifest.get('name', name)}"
        )
