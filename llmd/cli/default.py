"""`llmd default`: which model answers when none is named."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind


class Purpose(StrEnum):
    """What a default is for."""

    CHAT = "chat"
    VISION = "vision"
    EMBEDDING = "embedding"
    RERANK = "rerank"


def default(
    purpose: Annotated[Purpose | None, typer.Argument(help="What for.")] = None,
    model: Annotated[
        str | None,
        typer.Argument(help="The model to choose.", autocompletion=Kind.MODELS.names),
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="Choose none: the newest that can answers.")
    ] = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Show or choose the models that answer when none is named."""
    from llmd.cli import render
    from llmd.cli.connect import client

    if (auto and (model or not purpose)) or (model and not purpose):
        raise typer.BadParameter("Say what for, and a model or --auto.")
    if model or auto:
        answer = client(start=start).post("/control/defaults", {"purpose": purpose, "model": model})
        rows = [answer]
    else:
        answer = client(start=start).get("/control/defaults")
        rows = [row for row in answer["defaults"] if purpose in {None, row["purpose"]}]
    if as_json:
        render.print_json(answer)
        return
    render.table(("FOR", Column("MODEL", 1), "CHOSEN"), [_row(row) for row in rows])
    for row in rows:
        if row.get("missing"):
            typer.echo(
                f"{row['model']} is not here: requests for {row['purpose']} that name no model are "
                f"refused. `llmd default {row['purpose']} --auto` leaves them to the newest.",
                err=True,
            )
        if row.get("overridden_by"):
            typer.echo(
                f"The environment variable {row['overridden_by']} overrides it when the daemon "
                "starts again.",
                err=True,
            )


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return row["purpose"], row["model"] or "none", "yes" if row["chosen"] else "newest"
