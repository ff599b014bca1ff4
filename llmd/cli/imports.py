"""`llmd import`: registers a GGUF file, or with `--scan` what other tools on this machine have."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column

if TYPE_CHECKING:
    from llmd.client.client import Client

_ALL, _NONE = "all", "none"


_File = Annotated[
    Path | None, typer.Argument(help="A GGUF file; of a split one, the first part.", exists=True)
]
_Name = Annotated[str | None, typer.Option("--name", help="Name to give it; default: the file's.")]
_Mmproj = Annotated[
    str | None,
    typer.Option(
        "--mmproj",
        help="Its projector, for pictures and sounds; default: the one beside it; `none`: text "
        "alone.",
    ),
]
_Pooling = Annotated[
    options.PoolingChoice | None,
    typer.Option(
        "--pooling",
        help="Register it as an embedding model that makes vectors so, or as a reranker.",
    ),
]
_Link = Annotated[
    bool,
    typer.Option(
        "--link", help="Also give the file a name of llmd's own, so that it stays (hard link)."
    ),
]
_Copy = Annotated[bool, typer.Option("--copy", help="Copy the file into llmd's models.")]
_Scan = Annotated[
    bool,
    typer.Option(
        "--scan",
        help="Find what Ollama, LM Studio, llama.cpp, Hugging Face and ModelScope tools have.",
    ),
]
_From = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="DIR", help="Scan this folder instead; may be repeated."),
]
_Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="With --scan: register all that is new, ask nothing.")
]


def import_models(
    file: _File = None,
    name: _Name = None,
    mmproj: _Mmproj = None,
    pooling: _Pooling = None,
    link: _Link = False,
    copy: _Copy = False,
    scan: _Scan = False,
    folder: _From = None,
    yes: _Yes = False,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Register a GGUF file where it lies, or find the models of other tools."""
    if link and copy:
        raise typer.BadParameter("choose one of --link and --copy.")
    keep = "link" if link else "copy" if copy else "reference"
    if scan or folder:
        if file or name or mmproj or pooling:
            raise typer.BadParameter("--scan takes no FILE, and no option of one.")
        _scan(folder or [], keep, yes=yes, as_json=as_json, start=start)
        return
    if file is None:
        raise typer.BadParameter("name a FILE, or look for models: llmd import --scan.")
    if file.is_dir():
        raise typer.BadParameter(f"{file} is a folder: llmd import --from {file}.")
    order = {"path": str(file.absolute()), "name": name, "projector": _projector(mmproj)}
    if pooling:
        order["pooling"] = pooling
    _import(order, keep, as_json=as_json, start=start)


def _projector(mmproj: str | None) -> str | None:
    return mmproj if mmproj in {None, "none"} else str(Path(str(mmproj)).expanduser().absolute())


def _import(order: dict[str, Any], keep: str, *, as_json: bool, start: bool) -> None:
    from llmd.cli import progress, render
    from llmd.cli.connect import client

    if keep == "reference":
        manifest = client(start=start).post("/control/models/import", order)
    else:
        show = progress.choose(as_json=False, bar=progress.pull_bar, lines=progress.load_silently)
        order["keep"] = keep
        with client(start=start).stream_lines("/control/models/import", order) as events:
            manifest = show(events)["model"]
    if as_json:
        render.print_json(manifest)
        return
    typer.echo(_imported(manifest))


def _imported(manifest: dict[str, Any]) -> str:
    senses = [word for word in ("vision", "audio") if manifest.get(word)]
    described = ", ".join([manifest["architecture"], manifest["quantization"], *senses])
    return f"imported {manifest['name']} ({described})"


def _scan(folders: Sequence[Path], keep: str, *, yes: bool, as_json: bool, start: bool) -> None:
    from llmd.cli import render
    from llmd.cli.connect import client

    places = _places(folders)
    daemon = client(start=start)
    survey = daemon.post("/control/models/scan", {"places": places})
    new = [found for found in survey["findings"] if found["standing"] == "new"]
    if not as_json:
        _show(survey)
    chosen = new if yes else [] if as_json else _chosen(new)
    done = _adopt(daemon, places, chosen, keep, as_json=as_json) if chosen else _nothing()
    if as_json:
        render.print_json({**survey, **done} if yes else survey)
    if done["failed"]:
        raise typer.Exit(1)


def _nothing() -> dict[str, list[Any]]:
    return {"registered": [], "failed": []}


def _places(folders: Sequence[Path]) -> list[dict[str, str]]:
    """Return where to look: this user's places, which the daemon's environment may not tell."""
    import os

    import msgspec

    from llmd.models.adoption.places import known_places

    if folders:
        return [
            {"tool": "folder", "directory": str(folder.expanduser().absolute())}
            for folder in folders
        ]
    builtins: list[dict[str, str]] = msgspec.to_builtins(known_places(os.environ, Path.home()))
    return builtins


def _show(survey: dict[str, Any]) -> None:
    from llmd.cli import render

    findings = survey["findings"]
    new = [found for found in findings if found["standing"] == "new"]
    if findings:
        numbers = {found["name"]: str(place) for place, found in enumerate(new, 1)}
        rows = [
            (
                f"{_number(found, numbers):>3} {found['name']}",
                found["tool"],
                render.size(found["size"]),
                _kind(found),
                _standing(found),
            )
            for found in findings
        ]
        standing = Column("STANDING", 2, text=True)
        render.table(("    NAME", Column("TOOL", 1), Column("SIZE", 1), "KIND", standing), rows)
    for found in findings:
        if found["reason"]:
            render.note(f"{found['name']}: {found['reason']}")
    for place in survey["places"]:
        if place["trouble"]:
            render.note(f"{place['directory']} was not seen whole: {place['trouble']}.")
    if not findings:
        looked = ", ".join(sorted({place["tool"] for place in survey["places"]}))
        render.note(f"No models found (looked for: {looked}).")


def _number(found: dict[str, Any], numbers: dict[str, str]) -> str:
    return numbers[found["name"]] if found["standing"] == "new" else ""


def _kind(found: dict[str, Any]) -> str:
    return "+".join([found["kind"], *(sense for sense in ("vision", "audio") if found[sense])])


def _standing(found: dict[str, Any]) -> str:
    match found["standing"]:
        case "registered":
            return f"here as {found['of']}"
        case "duplicate":
            return f"same as {found['of']}"
        case standing:
            return str(standing)


def _chosen(new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask which of the new ones to register; where nobody can answer, none."""
    from llmd.cli import render

    if not new:
        return []
    if not _can_ask():
        render.note(f"{len(new)} can be registered: run it again with --yes.")
        return []
    while True:
        words = typer.prompt("Register which (numbers, all or none)?", default=_ALL)
        try:
            return [new[place] for place in picked(words, len(new))]
        except ValueError:
            render.note(f"Write numbers from 1 to {len(new)}, such as 1 3-5, or all, or none.")


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def picked(words: str, count: int) -> list[int]:
    """Return the places, from 0, that words such as `1 3-5`, `all` or `none` mean; raise ValueError
    for any other.
    """
    words = words.replace(",", " ").strip().lower()
    if words in {_ALL, "a", "y", "yes"}:
        return list(range(count))
    if words in {_NONE, "n", "no", ""}:
        return []
    chosen: set[int] = set()
    for word in words.split():
        first, to, last = word.partition("-")
        low, high = int(first), int(last if to else first)
        if not 1 <= low <= high <= count:
            raise ValueError(word)
        chosen.update(range(low - 1, high))
    return sorted(chosen)


def _adopt(
    daemon: "Client",
    places: list[dict[str, str]],
    chosen: list[dict[str, Any]],
    keep: str,
    *,
    as_json: bool,
) -> dict[str, list[Any]]:
    """Register finds; say what became of each."""
    from llmd.cli import render

    done = _nothing()
    copying = ""
    order = {"places": places, "names": [found["name"] for found in chosen], "keep": keep}
    with daemon.stream_lines("/control/models/adopt", order) as events:
        for event in events:
            if event.get("status") == "copying" and event["file"] != copying and not as_json:
                copying = event["file"]
                render.note(f"copying {copying} ({render.size(event['total'])})")
            if "model" in event:
                done["registered"].append(event["model"])
                if not as_json:
                    typer.echo(_imported(event["model"]))
            elif "failed" in event:
                done["failed"].append(event["failed"])
                if not as_json:
                    render.note(f"{event['failed']['name']}: {event['failed']['reason']}")
    return done
