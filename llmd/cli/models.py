"""Models on disk: `llmd ls show rm cp import`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llmd.cli import options


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
    render.table(("NAME", "KIND", "PARAMETERS", "QUANTIZATION", "SIZE", "CONTEXT", "ADDED"), rows)


def show(
    model: options.ModelName,
    as_json: options.AsJson = False,
    metadata: Annotated[
        bool, typer.Option("--metadata", help="Also print the file's own key-values.")
    ] = False,
    start: options.AutoStart = True,
) -> None:
    """Describe one model."""
    from llmd.cli import render
    from llmd.cli.connect import client

    card = client(start=start).get(card_path(model))
    if as_json:
        render.print_json(card)
        return
    render.fields(_description(card))
    if metadata:
        typer.echo()
        render.fields(
            (key, str(value).replace("\n", "\\n"))
            for key, value in card.get("metadata", {}).items()
        )


def _description(card: dict[str, Any]) -> list[tuple[str, str]]:
    from llmd.cli import render

    loaded = card.get("loaded")
    return [
        ("name", card["name"]),
        ("kind", card["kind"]),
        ("architecture", card["architecture"]),
        ("parameters", render.count(card["parameters"])),
        ("quantization", card["quantization"]),
        ("size", render.size(card["size"])),
        ("context", f"{card['context_length']} tokens"),
        ("takes", _senses(card)),
        ("chat template", "yes" if card.get("has_chat_template") else "no"),
        ("source", card["source"]),
        ("file", card["path"]),
        ("loaded", f"{loaded['state']} on {loaded['device']}" if loaded else "no"),
    ]


def _senses(card: dict[str, Any]) -> str:
    """Say what requests may hold."""
    words = {"vision": "pictures", "audio": "sounds"}
    return ", ".join(["text", *(word for sense, word in words.items() if card.get(sense))])


def rm(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL", help="Names of models.", autocompletion=options.installed_models
        ),
    ],
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Remove models; files that were imported stay where they are."""
    from llmd.cli import render
    from llmd.cli.connect import client

    daemon = client(start=start)
    for model in models:
        answer = daemon.delete(card_path(model))
        if as_json:
            render.print_json_line(answer)
            continue
        kept = f"; {answer['kept_file']} stays" if answer.get("kept_file") else ""
        freed = f", {render.size(answer['freed'])} freed" if answer.get("freed") else ""
        typer.echo(f"removed {answer['removed']}{freed}{kept}")


def cp(source: options.ModelName, target: str, start: options.AutoStart = True) -> None:
    """Give a model a second name; the file is not copied."""
    from llmd.cli.connect import client

    manifest = client(start=start).post(
        "/control/models/copy", {"source": source, "target": target}
    )
    typer.echo(f"{manifest['name']} is another name of {source}")


def import_file(
    file: Annotated[
        Path, typer.Argument(help="A GGUF file; of a split one, the first part.", exists=True)
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Name to give it; default: the file's.")
    ] = None,
    mmproj: Annotated[
        str | None,
        typer.Option(
            "--mmproj",
            help="Its projector, for pictures and sounds; default: the one beside it; "
            "`none`: text alone.",
        ),
    ] = None,
    pooling: Annotated[
        options.PoolingChoice | None,
        typer.Option(
            "--pooling",
            help="Register it as an embedding model that makes vectors so, or as a reranker.",
        ),
    ] = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Register a GGUF file where it lies."""
    from llmd.cli import render
    from llmd.cli.connect import client

    if mmproj not in {None, "none"}:
        mmproj = str(Path(str(mmproj)).expanduser().absolute())
    manifest = client(start=start).post(
        "/control/models/import",
        {
            "path": str(file.absolute()),
            "name": name,
            "projector": mmproj,
            **({"pooling": pooling} if pooling else {}),
        },
    )
    if as_json:
        render.print_json(manifest)
        return
    typer.echo(
        f"imported {manifest['name']} ({manifest['architecture']}, {manifest['quantization']}"
        f"{', ' + _senses(manifest) if manifest.get('projector') else ''})"
    )


def card_path(model: str) -> str:
    """Return the path of the control calls about one model."""
    from urllib.parse import quote

    return f"/control/models/{quote(model, safe='')}"
