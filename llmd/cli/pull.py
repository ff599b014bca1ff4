"""`llmd pull`: download a model; leaving it with Ctrl-C keeps what is there."""

from typing import Annotated

import typer

from llmd.cli import options
from llmd.cli.completing.kinds import Kind

_USE = {"chat": ": llmd chat {}", "embedding": ": llmd embed -m {} TEXT"}
"""How a kind of model is used on the command line."""


_Reference = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="An alias such as qwen3-4b (see `llmd search`), OWNER/REPO[:QUANT] of the hub, "
        "ollama://NAME:TAG, modelscope://OWNER/REPO, or the address of a GGUF file.",
        autocompletion=Kind.CATALOGUE.names,
    ),
]
_Called = Annotated[
    str,
    typer.Option(
        "--name", metavar="NAME", help="Name to give it; default: as its source calls it."
    ),
]


def pull(
    name: _Reference,
    called: _Called = "",
    limit_rate: Annotated[
        str | None,
        typer.Option(
            "--limit-rate",
            metavar="RATE",
            help="At most so many bytes a second, such as 500K or 5M; 0: no limit.",
        ),
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Do not wait for the hours of downloads.hours.")
    ] = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Download a model; run it again to resume."""
    from llmd.cli import progress, render
    from llmd.cli.connect import client

    order = {
        "name": name,
        "limit": None if limit_rate is None else _rate(limit_rate),
        "now": now,
        **({"called": called} if called else {}),
    }

    show = progress.choose(as_json=as_json, bar=progress.pull_bar, lines=progress.pull_lines)
    try:
        with client(start=start).stream_lines("/control/pull", order) as events:
            last = show(events)
    except KeyboardInterrupt:
        again = f"llmd pull {name}" + (f" --name {called}" if called else "")
        render.note(f"paused; run the same command to resume: {again}")
        raise
    manifest = last.get("model") or {}
    if not as_json:
        found = manifest.get("name", name)
        render.note(f"{found} is ready{_USE.get(manifest.get('kind', ''), '').format(found)}")


def _rate(text: str) -> int:
    """Read bytes per second as curl does, where M stands for MiB, or as settings have it."""
    from llmd.config.values import Size

    try:
        return int(Size.parse(f"{text}iB" if text[-1:].upper() in {"K", "M", "G"} else text))
    except ValueError:
        raise typer.BadParameter(
            f"{text} is no rate; write 500K, 5M or 0.", param_hint="--limit-rate"
        ) from None
