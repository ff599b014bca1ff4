"""`llmd requests cancel`: what is being answered, what was lately, why prompts were read again; and
how an answer is ended.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

_POLL = 0.5
_FEW = 20
_COLUMNS = (
    Column("ID"),
    Column("MODEL", 4),
    Column("CLIENT", 3),
    Column("STATE", 4),
    Column("AGE", 3),
    Column("PROMPT", 1),
    Column("ANSWER", 2),
    Column("DRAFTS"),
    Column("NOT CACHED", text=True),
)
_NAMED = {"AGE": "after", "PROMPT": "prompt", "ANSWER": "answer", "DRAFTS": "drafts"}


def requests(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help=f"Show all that are kept, not the last {_FEW}.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as requests come and end.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """List what is being answered, and what was lately."""
    from llmd.cli import render
    from llmd.cli.connect import client

    daemon = client(start=False)
    if follow:
        for request in changes(_looks(lambda: daemon.get("/control/requests"))):
            if as_json:
                render.print_json_line(request)
            else:
                typer.echo(f"{time.strftime('%H:%M:%S')}  {_line(request)}")
                sys.stdout.flush()
        return
    found = daemon.get("/control/requests")
    if not everything:
        found["ended"] = found["ended"][-_FEW:]
    if as_json:
        render.print_json(found)
    else:
        render.table(_COLUMNS, map(_row, [*found["ended"], *found["live"]]))


def cancel(
    request: Annotated[
        int,
        typer.Argument(
            metavar="REQUEST",
            min=1,
            help="Its number, see `llmd requests`.",
            autocompletion=Kind.REQUESTS.names,
        ),
    ],
    as_json: options.AsJson = False,
) -> None:
    """End an answer under way; its client is told that it was cancelled."""
    from llmd.cli import render
    from llmd.cli.connect import client

    report = client(start=False).post("/control/requests/cancel", {"id": request})
    if as_json:
        render.print_json(report)
        return
    typer.echo(f"cancelled request {request} of {report['model']}, which was {report['state']}")


def _looks(look: Callable[[], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    while True:
        yield look()
        time.sleep(_POLL)


def changes(looks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the requests that each look shows in another state than the look before; of the first
    look, those that are being answered.
    """
    states: dict[int, str] = {}
    known: set[int] | None = None
    for look in looks:
        ended = {request["id"]: request for request in look["ended"]}
        if known is not None:
            yield from (request for number, request in ended.items() if number not in known)
        known = set(ended)
        yield from (one for one in look["live"] if states.get(one["id"]) != one["state"])
        states = {one["id"]: one["state"] for one in look["live"]}


def _line(request: dict[str, Any]) -> str:
    """Return a row that stands alone: figures are named, empty ones left out."""
    cells = zip(_COLUMNS, _row(request), strict=True)
    named = (f"{_NAMED.get(column.heading, '')} {cell}".strip() for column, cell in cells if cell)
    return "  ".join(named)


def _row(request: dict[str, Any]) -> tuple[str, ...]:
    from llmd.cli import render

    batch = " (batch)" if request["lane"] == "batch" else ""
    accepted = request["draft_acceptance"]
    return (
        str(request["id"]),
        request["model"],
        printable(request["client"]) + batch,
        state(request),
        render.duration(request["age"]),
        _prompt(request),
        _answer(request),
        "" if accepted is None else f"{accepted:.0%}",
        printable(request["missed"]),
    )


def state(request: dict[str, Any]) -> str:
    """Return how far a request is, in a few words."""
    from llmd.cli import render

    word, position = str(request["state"]), request["position"]
    if position is not None:
        wait = request["estimated_wait"]
        return f"{word} #{position + 1}" + (f" ~{render.duration(wait)}" if wait else "")
    if word == "reading" and request["prompt_tokens"]:
        return f"{word} {request['read_tokens'] / request['prompt_tokens']:.0%}"
    return f"{word} {request['reason']}".rstrip()


def _prompt(request: dict[str, Any]) -> str:
    tokens, cached = request["prompt_tokens"], request["cached_tokens"]
    if not tokens:
        return ""
    return f"{tokens:,}, {cached:,} cached" if cached else f"{tokens:,}"


def _answer(request: dict[str, Any]) -> str:
    tokens, speed = request["generated_tokens"], request["tokens_per_second"]
    if not tokens:
        return ""
    return f"{tokens:,} at {speed:.1f}/s" if speed else f"{tokens:,}"


def printable(text: str) -> str:
    """Return text that cannot move the cursor: clients choose what stands in it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
