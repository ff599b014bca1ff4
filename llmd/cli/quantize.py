"""`llmd quantize`: make a smaller variant of a model, or list the types there are."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

_PATH_STARTS = ("/", "./", "../", "~")
_PATH_ENDINGS = (".gguf", ".safetensors")


Source = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="Name of a registered model; F16, BF16 or Q8_0 ones are good sources.",
        autocompletion=Kind.MODELS.names,
    ),
]
Type = Annotated[
    str | None,
    typer.Argument(
        metavar="TYPE", help="Such as Q4_K_M; see --list.", autocompletion=Kind.TYPES.names
    ),
]
ListTypes = Annotated[
    bool, typer.Option("--list", help="List all types; with MODEL, the sizes it would have.")
]
Imatrix = Annotated[
    Path | None,
    typer.Option(
        "--imatrix",
        help="Importance matrix of this model; types below 3 bits need one, all gain by it.",
    ),
]
Name = Annotated[str | None, typer.Option("--name", help="Of the new model; default: MODEL:TYPE.")]
OutputType = Annotated[
    str | None,
    typer.Option("--output-tensor-type", help="Type of the output tensor, such as Q8_0."),
]
EmbeddingType = Annotated[
    str | None, typer.Option("--token-embedding-type", help="Type of the token embeddings.")
]
KeepSplit = Annotated[
    bool, typer.Option("--keep-split", help="Keep a model in parts in as many parts.")
]
Requantize = Annotated[
    bool, typer.Option("--requantize", help="Also from weights that lost much already.")
]
Threads = Annotated[
    int,
    typer.Option("--threads", min=0, help="CPU threads; 0: half of the cores.", show_default=False),
]


def quantize(
    model: Source = None,
    kind: Type = None,
    list_types: ListTypes = False,
    imatrix: Imatrix = None,
    name: Name = None,
    output_tensor_type: OutputType = None,
    token_embedding_type: EmbeddingType = None,
    keep_split: KeepSplit = False,
    requantize: Requantize = False,
    threads: Threads = 0,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Make a smaller variant of a model: MODEL:TYPE, beside it."""
    if list_types:
        _list(_source(model) if model else None, as_json=as_json, start=start)
        return
    if model is None or kind is None:
        raise typer.BadParameter(
            "name a MODEL and a TYPE, or list the types: llmd quantize --list."
        )
    recipe = {
        "type": kind,
        "imatrix": str(imatrix.expanduser().absolute()) if imatrix else "",
        "output_tensor_type": output_tensor_type or "",
        "token_embedding_type": token_embedding_type or "",
        "keep_split": keep_split,
        "requantize": requantize,
        "threads": threads,
    }
    order = {"model": _source(model), "recipe": recipe, "name": name}
    _quantize(order, as_json=as_json, start=start)


def _source(model: str) -> str:
    """Return a model's name, or an absolute path: the daemon's working directory is another."""
    path = Path(model)
    named = model.startswith(_PATH_STARTS) or path.suffix.lower() in _PATH_ENDINGS
    return str(path.expanduser().absolute()) if named else model


def _quantize(order: dict[str, Any], *, as_json: bool, start: bool) -> None:
    from llmd.cli import making, progress, render
    from llmd.cli.connect import client

    show = progress.choose(as_json=as_json, bar=making.bar, lines=making.lines)
    with client(start=start).stream_lines("/control/quantize", order) as events:
        last = show(events)
    made = last.get("model")
    if made and not as_json:
        render.note(
            f"{made['name']} is ready ({render.size(made['size'])}): llmd chat {made['name']}"
        )


def _list(model: str | None, *, as_json: bool, start: bool) -> None:
    from urllib.parse import quote

    from llmd.cli import render
    from llmd.cli.connect import client

    query = f"?model={quote(model, safe='')}" if model else ""
    answer = client(start=start).get(f"/control/quantizations{query}")
    if as_json:
        render.print_json(answer)
        return
    sized = [*((Column("SIZE", 3),) if model else ()), Column("BITS/WEIGHT", 1)]
    rows = [_row(kind, sized=bool(model)) for kind in answer["types"]]
    render.table(("TYPE", *sized, "IMATRIX", Column("FOR", 2, text=True)), rows)
    if model:
        refused = [kind["name"] for kind in answer["types"] if kind.get("refusal")]
        if refused:
            render.note(f"not from this model without --requantize: {', '.join(refused)}")


def _row(kind: dict[str, Any], *, sized: bool) -> tuple[str, ...]:
    from llmd.cli import render

    bits = kind.get("model_bits") or kind["bits"]
    size = (render.size(kind["size"]) if kind.get("size") else "",) if sized else ()
    needed = "needed" if kind.get("needs_imatrix") else ""
    return kind["name"], *size, f"{bits:.2f}", needed, kind["purpose"]
