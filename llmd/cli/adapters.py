"""`llmd adapters add ls rm`: LoRA files that go with a model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

app = typer.Typer(
    help="Add, list and remove LoRA adapters of a model.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def add(
    model: options.ModelName,
    file: Annotated[Path, typer.Argument(help="A LoRA in GGUF format.", exists=True)],
    name: Annotated[
        str | None, typer.Option("--name", help="Name to give it; default: the file's.")
    ] = None,
    scale: Annotated[
        float, typer.Option("--scale", help="How strongly it acts unless a request says.")
    ] = 1.0,
    default: Annotated[
        bool,
        typer.Option("--default", help="Requests that name no adapters run with it."),
    ] = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Give a model an adapter; the file stays where it lies."""
    from llmd.cli import render
    from llmd.cli.connect import client

    order = {
        "model": model,
        "path": str(file.absolute()),
        "name": name,
        "scale": scale,
        "default": default,
    }
    manifest = client(start=start).post("/control/adapters/add", order)
    if as_json:
        render.print_json(manifest)
        return
    typer.echo(f"{manifest['name']} has the adapter {manifest['adapters'][-1]['name']}")


@app.command()
def ls(
    model: options.OptionalModelName = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """List the adapters of one model, or of all."""
    from llmd.cli import render
    from llmd.cli.connect import client
    from llmd.cli.models import card_path

    daemon = client(start=start)
    models = [daemon.get(card_path(model))] if model else daemon.get("/control/models")["models"]
    found = [
        {"model": card["name"], **adapter}
        for card in models
        for adapter in card.get("adapters", [])
    ]
    if as_json:
        render.print_json({"adapters": found})
        return
    headings = (
        "MODEL",
        Column("ADAPTER", 3),
        Column("SCALE", 2),
        Column("DEFAULT", 1),
        Column("FILE", text=True),
    )
    render.table(headings, [_row(item) for item in found])


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    default = "yes" if item["default"] else "no"
    return item["model"], item["name"], f"{item['scale']:g}", default, item["path"]


@app.command()
def rm(
    model: options.ModelName,
    name: Annotated[
        str, typer.Argument(help="Name of the adapter.", autocompletion=Kind.ADAPTERS.names)
    ],
    yes: options.Yes = False,
    start: options.AutoStart = True,
) -> None:
    """Take an adapter from a model; its file stays."""
    from llmd.cli.confirming import confirm
    from llmd.cli.connect import client

    confirm(f"Take {name} from {model}?", yes=yes)
    client(start=start).post("/control/adapters/remove", {"model": model, "name": name})
    typer.echo(f"removed {name} from {model}")
