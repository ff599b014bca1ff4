"""`llmd show`: what is known of a model without loading it, be it registered, a file, or an entry
of the catalogue.
"""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.completing.kinds import Kind
from llmd.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATH_STARTS = ("/", "./", "../", "~")
_DEFAULT = "default"
_NARROWEST = 24


def show(
    model: Annotated[
        str,
        typer.Argument(
            help="Name of a model, or a GGUF file.", autocompletion=Kind.ANY_MODEL.names
        ),
    ],
    layers: Annotated[bool, typer.Option("--layers", help="Print its layers one by one.")] = False,
    template: Annotated[
        bool, typer.Option("--template", help="Print the source of its chat template.")
    ] = False,
    template_name: Annotated[
        str, typer.Option("--template-name", help="Which one, of a model that has several.")
    ] = _DEFAULT,
    metadata: Annotated[
        bool, typer.Option("--metadata", help="Also print the file's own key-values.")
    ] = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Describe a model without loading it."""
    from llmd.cli import render
    from llmd.cli.connect import client

    card = client(start=start).post("/control/inspect", {"model": _meant(model)})
    if as_json:
        render.print_json(card)
    elif card.get("state") == "catalogue":
        _print_entry(card)
    elif template or template_name != _DEFAULT:
        typer.echo(_template(card, template_name))
    elif layers:
        _print_layers(card)
    else:
        _print_card(card)
        if metadata:
            _print_metadata(card)


def _meant(model: str) -> str:
    """Return the absolute path of what looks like a file, and names as they are."""
    text = model.removeprefix("file://")
    path = Path(text).expanduser()
    looks = text.startswith(_PATH_STARTS) or (text.endswith(".gguf") and path.exists())
    return str(path.absolute()) if looks or text != model else model


def _print_entry(card: dict[str, Any]) -> None:
    from llmd.cli import render
    from llmd.cli.card import entry_lines

    alias, quantization = card["entry"]["alias"], card.get("quantization")
    _print_lines(entry_lines(card))
    name = f"{alias}:{quantization}" if quantization else alias
    render.note(f"It is not on this machine; to fetch it: llmd pull {name}")


def _template(card: dict[str, Any], name: str) -> str:
    """Return the template in use, or one of the file's by its name; raise NotFound."""
    own = str(card.get("preset", {}).get("template", ""))
    if own and name == _DEFAULT:
        return own
    found = card.get("templates", {})
    if name not in found:
        names = ", ".join(found)
        raise NotFound(
            f"{card['name']} has no chat template{'' if name == _DEFAULT else f' {name!r}'}.",
            hint=f"It has: {names}." if names else "llmd uses one that suits its vocabulary.",
        )
    return str(found[name])


def _print_layers(card: dict[str, Any]) -> None:
    from llmd.cli import render
    from llmd.cli.shape import layers

    if "facts" not in card:
        raise InvalidRequest(f"The file of {card['name']} cannot be read: {card['problem']}")
    found = layers(card)
    render.table(found.headings, found.rows)


def _print_card(card: dict[str, Any]) -> None:
    from llmd.cli import render
    from llmd.cli.card import sections

    plain = "utf" not in (sys.stdout.encoding or "").lower()
    for place, section in enumerate(sections(card, blocks="#." if plain else "█░")):
        if place:
            typer.echo()
        if section.title:
            typer.secho(section.title.upper(), bold=True)
        _print_lines(section.lines)
        if section.rows:
            render.table(section.headings, section.rows)


def _print_metadata(card: dict[str, Any]) -> None:
    from llmd.cli import render

    typer.echo()
    render.fields(
        (key, str(value).replace("\n", "\\n")) for key, value in card.get("metadata", {}).items()
    )


def _print_lines(lines: "Sequence[tuple[str, str]]") -> None:
    """Print `name  value` lines; on a terminal long values go on below their beginning."""
    shown = [(name, value) for name, value in lines if value]
    names = max((len(name) for name, _ in shown), default=0) + 2
    width = shutil.get_terminal_size().columns - names if sys.stdout.isatty() else 0
    for name, value in shown:
        rows = value.splitlines()
        if width >= _NARROWEST:
            rows = [part for row in rows for part in _wrapped(row, width)]
        for place, row in enumerate(rows):
            typer.echo((name if place == 0 else "").ljust(names) + row)


def _wrapped(row: str, width: int) -> list[str]:
    """Return the lines of a text in so many columns, of which some letters take two."""
    from rich.console import Console
    from rich.text import Text

    return [line.plain.rstrip() for line in Text(row).wrap(Console(width=width), width)]
