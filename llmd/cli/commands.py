"""All commands in one table, by what they are for, and the application made of them.

A command is imported when it is run, and the application is made of that command alone: reading
all thirty takes longer than `llmd ps` does.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any

import typer

from llmd.cli import loudness, shown

_COMMANDS = {
    "Talk": {
        "run": "run:run",
        "chat": "chat:chat",
        "generate": "run:generate",
        "embed": "embed:embed",
        "sessions": "sessions:app",
    },
    "Models": {
        "search": "search:search",
        "pull": "pull:pull",
        "ls": "models:ls",
        "show": "show:show",
        "rm": "models:rm",
        "cp": "models:cp",
        "import": "imports:import_models",
        "create": "create:create",
        "quantize": "quantize:quantize",
        "adapters": "adapters:app",
        "default": "default:default",
        "du": "disk:du",
        "gc": "disk:gc",
        "verify": "disk:verify",
    },
    "Memory": {
        "ps": "loaded:ps",
        "plan": "plan:plan",
        "load": "loaded:load",
        "unload": "loaded:unload",
    },
    "Daemon": {
        "status": "serve:status",
        "open": "open:open_page",
        "tui": "tui:tui",
        "top": "tui:top",
        "requests": "requests:requests",
        "cancel": "requests:cancel",
        "logs": "logs:logs",
        "start": "serve:start",
        "stop": "serve:stop",
        "restart": "serve:restart",
        "serve": "serve:serve",
        "service": "service:app",
    },
    "Accounts": {
        "users": "users:app",
        "keys": "keys:app",
    },
    "Setup": {
        "config": "config:app",
        "env": "env:env",
        "completion": "completion:completion",
        "doctor": "doctor:doctor",
        "bench": "bench:bench",
    },
}
"""Where each is: module of llmd.cli, function or group."""


def names() -> frozenset[str]:
    """Return the names of all commands and groups."""
    return frozenset(name for _, name, _ in _listed())


def application(only: str | None = None) -> typer.Typer:
    """Return the application, with all commands or one only."""
    app = typer.Typer(
        name="llmd",
        help="One daemon that makes this machine an LLM server. Try: llmd run 'Who are you?'",
        cls=shown.Group,
        invoke_without_command=True,
        add_completion=False,  # shells ask `llmd __complete`, many times as quick as Typer's way
        rich_markup_mode=None,  # plain help: importing rich would double the time of --help
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for panel, name, place in _listed():
        if only in {None, name}:
            _add(app, panel, name, place)
    shown.dress(app)
    return app


def _listed() -> Iterator[tuple[str, str, str]]:
    for panel, commands in _COMMANDS.items():
        yield from ((panel, name, place) for name, place in commands.items())


def _add(app: typer.Typer, panel: str, name: str, place: str) -> None:
    module, _, attribute = place.partition(":")
    found: Any = getattr(import_module(f"llmd.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name, rich_help_panel=panel)
    else:
        app.command(name, rich_help_panel=panel)(found)


def _show_version(wanted: bool) -> None:
    if wanted:
        from llmd import __version__

        typer.echo(f"llmd {__version__}")
        raise typer.Exit


def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  its callback acts
        bool,
        typer.Option(
            "--version",
            "-V",
            help="Show the version and exit.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Say nothing but results and errors; for every command."
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Also tell of each call to the daemon; for every command."
        ),
    ] = False,
) -> None:
    """Take options that stand before the command; without a command say what to do next."""
    if quiet or verbose:
        loudness.choose(loudness.Loudness.QUIET if quiet else loudness.Loudness.VERBOSE)
    if context.invoked_subcommand is None:
        from llmd.cli.welcome import welcome

        welcome()
