"""Models on disk: `llmd ls show rm cp`."""

from typing import Annotated

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind


def ls(as_json: options.AsJson = False, start: options.AutoStart = True) -> None:
    """List the models on disk; `*` marks the default."""
    from llmd.cli import render
    from llmd.cli.connect import client

    answer = client(start=start).get("/control/models")
    if as_json:
        render.print_json(answer)
        return
    rows = [
        (
            model["name"] + (" *" if model["name"] == answer.get("default") else ""),
            "+".join([model["kind"], *(s for s in ("vision", "audio") if model.get(s))]),
            render.count(model["parameters"]),
            model["quantization"],
            render.size(model["size"]),
            str(model["context_length"]),
            "built in" if model["source"] == "builtin" else render.ago(model["added"]),
        )
        for model in answer["models"]
    ]
    headings = (
        "NAME",
        Column("KIND", 2),
        "PARAMETERS",
        "QUANTIZATION",
        Column("SIZE", 3),
        Column("CONTEXT", 2),
        Column("ADDED", 1),
    )
    render.table(headings, rows)


def rm(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="Names of models.", autocompletion=Kind.MODELS.names),
    ],
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Remove models; files that were imported, or that other models use, stay."""
    from llmd.cli import render
    from llmd.cli.confirming import confirm
    from llmd.cli.connect import client

    daemon = client(start=start)
    for model in models:
        daemon.get(card_path(model))  # names that are wrong are no question
    confirm(f"Remove {', '.join(models)}?", yes=yes, as_json=as_json)
    for model in models:
        answer = daemon.delete(card_path(model))
        if as_json:
            render.print_json_line(answer)
            continue
        users = ", ".join(answer.get("used_by") or [])
        why = f" for {users}" if users else ""
        kept = f"; {answer['kept_file']} stays{why}" if answer.get("kept_file") else ""
        freed = f", {render.size(answer['freed'])} freed" if answer.get("freed") else ""
        typer.echo(f"removed {answer['removed']}{freed}{kept}")
        if slower := ", ".join(answer.get("drafted_for") or []):
            typer.echo(f"It drafted for {slower}, which will be slower without it.")
        if purposes := ", ".join(answer.get("default_for") or []):
            typer.echo(f"It was the default for {purposes}; the newest that can answers there now.")


def cp(source: options.ModelName, target: str, start: options.AutoStart = True) -> None:
    """Give a model a second name; the file is not copied."""
    from llmd.cli.connect import client

    manifest = client(start=start).post(
        "/control/models/copy", {"source": source, "target": target}
    )
    typer.echo(f"{manifest['name']} is another name of {source}")


def card_path(model: str) -> str:
    """Return the path of the control calls about one model."""
    from urllib.parse import quote

    return f"/control/models/{quote(model, safe='')}"
