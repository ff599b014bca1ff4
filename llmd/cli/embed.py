"""`llmd embed`: texts to vectors, one JSON array a line; a terminal gets a summary instead of
thousands of numbers.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column

_BATCH = 64
_SHOWN_NUMBERS = 4
_SHOWN_TEXT = 40


def embed(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Texts; without any, each line of stdin is one."),
    ] = None,
    model: options.Model = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Turn texts into vectors."""
    from llmd.cli import piped, render
    from llmd.cli.connect import client

    inputs = texts or [line for line in piped.read_piped().splitlines() if line.strip()]
    if not inputs:
        raise typer.BadParameter("give a text, or pipe in one per line.")
    result = _vectors(client(start=start), model, inputs)
    if as_json:
        render.print_json(result)
    elif sys.stdout.isatty():
        _summarise(inputs, result)
    else:
        for vector in result["embeddings"]:
            render.print_json_line(vector)


def _vectors(client: Any, model: str | None, inputs: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {"model": "", "embeddings": [], "prompt_tokens": 0}
    for batch in _batches(inputs):
        answer = client.post(
            "/v1/embeddings", {"input": batch, **({"model": model} if model else {})}
        )
        result["model"] = answer["model"]
        result["prompt_tokens"] += answer["usage"]["prompt_tokens"]
        result["embeddings"] += [
            row["embedding"] for row in sorted(answer["data"], key=lambda row: row["index"])
        ]
    return result


def _batches(inputs: Sequence[str]) -> Iterator[Sequence[str]]:
    for place in range(0, len(inputs), _BATCH):
        yield inputs[place : place + _BATCH]


def _summarise(inputs: Sequence[str], result: dict[str, Any]) -> None:
    from llmd.cli import render

    rows = []
    for text, vector in zip(inputs, result["embeddings"], strict=True):
        first = ", ".join(f"{number:.4f}" for number in vector[:_SHOWN_NUMBERS])
        short = text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 1]}…"
        rows.append((short, str(len(vector)), f"[{first}, …]"))
    render.table(("TEXT", "DIMENSIONS", Column("VECTOR", 1, text=True)), rows)
    render.note(f"{result['model']}; pipe the output or add --json for the whole vectors.")
