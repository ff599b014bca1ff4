"""`llmd chat`: a conversation on a terminal, or line by line through a pipe."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmd.cli import options

if TYPE_CHECKING:
    from llmd.cli.markdown import Answering
    from llmd.cli.slash import Chat
    from llmd.client.client import Client


def chat(
    model: options.OptionalModelName = None,
    chosen: options.Model = None,
    system: options.System = None,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    seed: options.Seed = None,
    max_tokens: options.MaxTokens = None,
    stop: options.Stop = None,
    think: options.Think = None,
    overflow: options.Overflow = None,
    adapter: options.Adapters = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Show answers as they are, not as Markdown.")
    ] = False,
    session: options.Session = None,
    keep: options.Keep = True,
    start: options.AutoStart = True,
) -> None:
    """Talk with a model; /help inside lists what else there is."""
    from llmd.cli.asking import adapters, body

    wishes = body(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        seed=seed,
        max_tokens=max_tokens,
        stop=stop or None,
        context_overflow=overflow,
        adapters=adapters(adapter),
        chat_template_kwargs=None if think is None else {"enable_thinking": think},
    )
    if model and chosen and model != chosen:
        raise typer.BadParameter(f"name one model, not both {model} and {chosen}.")
    begin(model or chosen, system, wishes, plain=plain, session=session, keep=keep, start=start)


def begin(
    model: str | None,
    system: str | None,
    wishes: dict[str, Any],
    *,
    plain: bool = False,
    session: str | None = None,
    keep: bool = True,
    start: bool = True,
) -> None:
    """Talk with a model until the person leaves; `wishes` go with each question."""
    from llmd.cli.dialogue import Dialogue

    seen = sys.stdin.isatty() and sys.stdout.isatty()
    talk = _open(model, system, session, keep=bool(session) or (keep and seen), start=start)
    talk.wishes = wishes
    if seen:
        _interactive(talk, plain=plain)
    else:
        _line_by_line(Dialogue(talk, _plain_answer))


def _open(
    model: str | None, system: str | None, session: str | None, *, keep: bool, start: bool
) -> "Chat":
    from llmd.cli.connect import client
    from llmd.cli.keeping import Keeping, recall
    from llmd.cli.loading import show_loading
    from llmd.cli.render import note
    from llmd.cli.slash import Chat

    daemon = client(start=start)
    found = recall(daemon, session) if session else None
    name = _model(daemon, model, found["model"] if found else "")
    show_loading(daemon, name)
    keeping = Keeping(daemon, note, "" if found else session or "") if keep else None
    talk = Chat(daemon, name, system or "", typer.echo, keeping)
    if keeping and found:
        talk.conversation = keeping.resume(found)
        talk.conversation.system = talk.conversation.system if system is None else system
    return talk


def _model(daemon: "Client", wanted: str | None, before: str) -> str:
    """Return the model that was asked for, or answered before, or is the default."""
    from llmd.cli.models import card_path
    from llmd.errors import ModelNotFound

    if wanted is not None:
        return str(daemon.get(card_path(wanted))["name"])
    if before:
        try:
            return str(daemon.get(card_path(before))["name"])
        except ModelNotFound:
            typer.echo(f"{before}, which answered before, is not here any more.", err=True)
    return str(daemon.get("/control/models")["default"])


def _plain_answer() -> "Answering":
    from llmd.cli.answer import written
    from llmd.cli.markdown import PlainAnswer

    return PlainAnswer(written)


def _interactive(talk: "Chat", *, plain: bool) -> None:
    from rich.console import Console

    from llmd.cli.answer import BUILT_IN, BUILT_IN_NOTICE
    from llmd.cli.dialogue import Dialogue
    from llmd.cli.editor import Editor
    from llmd.cli.markdown import MarkdownAnswer
    from llmd.config.paths import find_paths

    console = Console(highlight=False)
    typer.echo(f"{talk.model} listens. /help lists commands, Ctrl-D leaves.")
    if talk.model == BUILT_IN:
        typer.echo(BUILT_IN_NOTICE)
    _remind(talk)
    answering = _plain_answer if plain else lambda: MarkdownAnswer(console)
    dialogue = Dialogue(talk, answering, remark=_dim)
    editor = Editor(find_paths().history_file if talk.keeping else None, talk.models)
    _converse(dialogue, editor.read)
    if talk.keeping and talk.keeping.session:
        _dim(f"Kept; llmd chat --session {talk.keeping.session[:8]} goes on with it.")


def _remind(talk: "Chat") -> None:
    """Say where a kept conversation goes on."""
    from llmd.cli.keeping import reminder

    if talk.keeping and talk.keeping.session:
        for line in reminder(talk.conversation):
            _dim(line)


def _dim(text: str) -> None:
    typer.secho(text, dim=True)


def _converse(dialogue: Any, read: Callable[[], str]) -> None:
    from llmd.cli.slash import Leave

    while True:
        try:
            dialogue.take(read())
        except KeyboardInterrupt:  # at the prompt: the line is dropped, the program stays
            continue
        except (EOFError, Leave):
            return


def _line_by_line(dialogue: Any) -> None:
    from llmd.cli.piped import lines
    from llmd.cli.slash import Leave

    try:
        for line in lines():
            dialogue.take(line.strip())
    except Leave:
        return
    if dialogue.failed:
        raise typer.Exit(1)
