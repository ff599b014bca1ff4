"""`llmd sessions ls show rm export`: conversations that the daemon keeps."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

if TYPE_CHECKING:
    from llmd.client.client import Client

app = typer.Typer(
    help="List, read, export and delete kept conversations.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_PAGE = 1000
_SHORT_ID = 8
_TITLE = 60
_SHOWN = 20
_SPEAKERS = {"system": "System", "user": "You", "assistant": "Answer"}

Name = Annotated[
    str,
    typer.Argument(
        metavar="SESSION",
        help="An id, how one begins, or a title.",
        autocompletion=Kind.SESSIONS.names,
    ),
]


@app.command()
def ls(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help=f"Show all of them, not the last {_SHOWN}.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """List conversations, those first that went on last."""
    from itertools import islice

    from llmd.cli import render
    from llmd.cli.connect import client

    found = list(islice(_sessions(client(start=True)), None if everything else _SHOWN))
    if as_json:
        render.print_json(found)
        return
    rows = (
        (one["id"][:_SHORT_ID], _line(one["title"]), one["model"], render.ago(one["updated_at"]))
        for one in found
    )
    headings = ("ID", Column("TITLE", 2, text=True), "MODEL", Column("CHANGED", 1))
    render.table(headings, rows)


def _sessions(daemon: "Client") -> Iterator[dict[str, Any]]:
    skip = 0
    while page := daemon.get(f"/control/sessions?active_only=false&skip={skip}&limit={_PAGE}")[
        "sessions"
    ]:
        yield from page
        skip += _PAGE


@app.command()
def show(
    name: Name,
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, help="Messages to show, the latest; 0: all.")
    ] = _SHOWN,
    as_json: options.AsJson = False,
) -> None:
    """Show what was said."""
    from llmd.cli import render
    from llmd.cli.connect import client

    daemon = client(start=True)
    card = find(daemon, name)
    skip = max(card["messages"] - last, 0) if last else 0
    said = list(messages(daemon, card["session"]["id"], skip))
    if as_json:
        render.print_json({**card["session"], "messages": said})
        return
    session = card["session"]
    render.fields(
        (
            ("id", session["id"]),
            ("title", _line(session["title"])),
            ("model", _line(session["model"])),
            ("begun", render.ago(session["created_at"])),
            ("messages", f"{card['messages']}" + (f", {skip} not shown" if skip else "")),
        )
    )
    for message in said:
        speaker = _SPEAKERS.get(message["role"], message["role"])
        typer.echo(f"\n{speaker}:\n{_text(message['content'])}")


@app.command()
def rm(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SESSION", help="Ids or titles.", autocompletion=Kind.SESSIONS.names
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All of them, and what was typed in chats.")
    ] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="TIME", help="Those that went on last so long ago, as 30d."
        ),
    ] = None,
    yes: options.Yes = False,
) -> None:
    """Delete conversations."""
    from llmd.cli.confirming import confirm
    from llmd.cli.connect import client
    from llmd.config.paths import find_paths

    if sum(map(bool, (names, everything, older_than))) != 1:
        raise typer.BadParameter("give names, or --all, or --older-than.")
    latest = time.time() - (_age(older_than) if older_than else 0)
    daemon = client(start=True)
    if names:
        sessions = [find(daemon, name)["session"] for name in names]
        titles = ", ".join(_line(one["title"]) or one["id"][:_SHORT_ID] for one in sessions)
    else:
        sessions = [one for one in _sessions(daemon) if everything or one["updated_at"] <= latest]
        titles = f"{len(sessions)} conversations"
    confirm(f"Delete {titles}?", yes=yes)
    for session in sessions:
        daemon.delete(f"/control/sessions/{session['id']}")
        typer.echo(f"Deleted {session['id'][:_SHORT_ID]} {_line(session['title'])}".rstrip())
    if everything:
        find_paths().history_file.unlink(missing_ok=True)


def _age(text: str) -> float:
    from llmd.config.values import Duration

    try:
        found = Duration.parse(text)
    except ValueError:
        found = Duration(-1)
    if not found.limited:
        raise typer.BadParameter(f"{text} is no time; write 30d or 12h.", param_hint="--older-than")
    return float(found)


@app.command()
def export(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; left out: stdout.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON also where the file's name does not end so.")
    ] = False,
) -> None:
    """Write a conversation as Markdown, or as JSON into *.json, which /load can read."""
    import msgspec

    from llmd.cli.connect import client

    daemon = client(start=True)
    session = find(daemon, name)["session"]
    said = messages(daemon, session["id"], 0)
    if as_json or (output and output.suffix == ".json"):
        text = msgspec.json.format(msgspec.json.encode(list(said)), indent=2).decode() + "\n"
    else:
        text = "".join(_markdown(session, said))
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)  # typer.echo would drop escape sequences, which are part of it


def find(daemon: "Client", name: str) -> dict[str, Any]:
    """Return `session` and how many `messages` it has; raise NotFound."""
    return daemon.get(f"/control/sessions/find?name={quote(name, safe='')}")


def messages(daemon: "Client", session: str, skip: int) -> Iterator[dict[str, Any]]:
    """Yield messages, oldest first."""
    while page := daemon.get(f"/control/sessions/{session}/messages?skip={skip}&limit={_PAGE}")[
        "messages"
    ]:
        yield from page
        skip += _PAGE


def _markdown(session: dict[str, Any], said: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield f"# {_line(session['title']) or session['id']}\n"
    for message in said:
        speaker = _SPEAKERS.get(message["role"], message["role"])
        yield f"\n## {speaker}\n\n{message['content']}\n"


def _line(text: str) -> str:
    """Return a title that stays on its line and cannot move the cursor."""
    from llmd.cli.requests import printable

    shown = printable(text)
    return shown if len(shown) <= _TITLE else shown[: _TITLE - 1] + "…"


def _text(text: str) -> str:
    from llmd.cli.requests import printable

    return "\n".join(printable(line.replace("\t", "    ")) for line in text.split("\n"))
