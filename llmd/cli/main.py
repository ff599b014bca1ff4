"""The application: all commands in one table, and the boundary where errors become messages and
exit codes.
"""

import os
import sys
from typing import Annotated

import typer

from llmd.cli import (
    adapters,
    bench,
    chat,
    config,
    create,
    default,
    disk,
    doctor,
    embed,
    imports,
    loaded,
    logs,
    models,
    plan,
    pull,
    quantize,
    requests,
    search,
    serve,
    show,
)
from llmd.cli import (
    run as run_commands,
)
from llmd.errors import DaemonUnreachable, LlmdError, ModelNotFound

FAILED = 1
UNREACHABLE = 3
NO_SUCH_MODEL = 4
INTERRUPTED = 130

app = typer.Typer(
    name="llmd",
    help="One daemon that makes this machine an LLM server. Try: llmd run 'Who are you?'",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing rich would double the time of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    run_commands.run,
    chat.chat,
    run_commands.generate,
    embed.embed,
    search.search,
    pull.pull,
    models.ls,
    show.show,
    models.rm,
    models.cp,
    quantize.quantize,
    create.create,
    disk.du,
    disk.gc,
    disk.verify,
    loaded.ps,
    plan.plan,
    requests.requests,
    loaded.load,
    loaded.unload,
    default.default,
    serve.serve,
    serve.start,
    serve.stop,
    serve.restart,
    serve.status,
    logs.logs,
    bench.bench,
    doctor.doctor,
):
    app.command()(command)
app.command("import")(imports.import_models)
app.add_typer(adapters.app, name="adapters")
app.add_typer(config.app, name="config")


def _show_version(wanted: bool) -> None:
    if wanted:
        from llmd import __version__

        typer.echo(f"llmd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            help="Show the version and exit.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Take options that stand before the command."""


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets a question mark, not a traceback
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    try:
        app(arguments, prog_name="llmd")
    except SystemExit as end:
        return _flushed(end.code if isinstance(end.code, int) else FAILED)
    except LlmdError as error:
        _report(str(error))
        return _flushed(exit_code(error))
    except OSError as error:
        _report(f"{error.strerror or error}: {error.filename}." if error.filename else f"{error}.")
        return _flushed(FAILED)
    return _flushed(0)


def exit_code(error: LlmdError) -> int:
    """Return the exit code that tells scripts what kind of failure it was."""
    if isinstance(error, DaemonUnreachable):
        return UNREACHABLE
    return NO_SUCH_MODEL if isinstance(error, ModelNotFound) else FAILED


def _report(message: str) -> None:
    typer.echo(f"Error: {message}", err=True)


def _flushed(code: int) -> int:
    """Flush stdout; a reader that left early (`| head`) is no reason for a traceback at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or FAILED
    return code
