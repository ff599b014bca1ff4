"""`llmd search`: what could be pulled by a short name, and what fits this machine."""

from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column

_NOTHING = 1
_FITS = {"yes": "yes", "tight": "tight", "no": "no", "unknown": "?"}


def search(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words of a name, an ability or a description.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="chat, embedding or rerank, or an ability: tools, vision, audio, reasoning.",
        ),
    ] = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", help="Largest download, such as 4GB.")
    ] = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """List models of the catalogue; all of them without words."""
    from urllib.parse import urlencode

    from llmd.cli import render
    from llmd.cli.connect import client

    query = {"query": " ".join(words or []), "kind": kind or "", "max_size": _bytes(max_size)}
    answer = client(start=start).get(f"/control/catalog?{urlencode(query)}")
    if as_json:
        render.print_json(answer)
        return
    for fault in answer.get("faults", []):
        where = f" line {fault['line']}" if fault["line"] else ""
        entry = f" ({fault['entry']})" if fault["entry"] else ""
        render.note(f"{fault['path']}{where}{entry} is passed over: {fault['reason']}")
    match answer["models"]:
        case []:
            _nothing(words or [], answer.get("near", []))
        case [offer]:
            _describe(offer)
        case offers:
            _list(offers)


def _bytes(size: str | None) -> int:
    from llmd.config.values import Size

    try:
        return int(Size.parse(size or "0"))
    except ValueError as error:
        raise typer.BadParameter(f"{size}: {error}.", param_hint="--max-size") from None


def _nothing(words: list[str], near: list[str]) -> None:
    from llmd.cli import render

    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    render.note(
        f"The catalogue has nothing of that kind: {' '.join(words) or 'no words'}.{guess} "
        "Any GGUF repository of the hub can be pulled as OWNER/REPO."
    )
    raise typer.Exit(_NOTHING)


def _list(offers: list[dict[str, Any]]) -> None:
    from llmd.cli import render

    rows = [
        (
            offer["alias"],
            _size(offer["size"]),
            _FITS[offer["fit"]],
            _parameters(offer),
            _context(offer["context"]),
            _abilities(offer),
            offer["license"],
            "yes" if offer["installed"] else "",
            offer["description"],
        )
        for offer in offers
    ]
    headings = (
        "NAME",
        Column("SIZE", 3),
        Column("FITS", 3),
        "PARAMETERS",
        "CONTEXT",
        Column("ABILITIES", 1),
        "LICENSE",
        Column("HERE", 1),
        Column("DESCRIPTION", 2, text=True),
    )
    render.table(headings, rows)


def _describe(offer: dict[str, Any]) -> None:
    from llmd.cli import render

    sampling = ", ".join(f"{key} {value}" for key, value in offer["sampling"].items())
    render.fields(
        [
            ("name", offer["alias"]),
            ("also", ", ".join(offer["also"])),
            ("description", offer["description"]),
            ("source", offer["source"]),
            ("parameters", _parameters(offer)),
            ("context", f"{offer['context']} tokens" if offer["context"] else ""),
            ("abilities", _abilities(offer)),
            ("license", offer["license"]),
            ("sampling", sampling),
            ("projector", offer["projector"]),
            ("draft", offer["draft"]),
            ("tags", ", ".join(offer["tags"])),
            ("installed", ", ".join(offer["installed"])),
        ]
    )
    typer.echo()
    rows = [
        (variant["name"], variant["quantization"], _size(variant["size"]), _FITS[variant["fit"]])
        for variant in offer["variants"]
    ]
    render.table(("PULL", "QUANTIZATION", Column("SIZE", 1), Column("FITS", 1)), rows)


def _abilities(offer: dict[str, Any]) -> str:
    return " ".join(offer["capabilities"])


def _parameters(offer: dict[str, Any]) -> str:
    active = f" ({_count(offer['active'])} active)" if offer["active"] else ""
    return f"{_count(offer['parameters'])}{active}"


def _context(tokens: int) -> str:
    """Write a length in the thousands its publisher counted in: 131072 and 128000 are 128K."""
    thousand = 1024 if tokens % 1000 else 1000
    return f"{tokens / thousand:.0f}K" if tokens >= thousand else str(tokens or "")


def _count(number: int) -> str:
    from llmd.cli import render

    return render.count(number) if number else ""


def _size(size: int) -> str:
    from llmd.cli import render

    return render.size(size) if size else "?"
