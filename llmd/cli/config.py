"""`llmd config show get set unset path`: settings, where each comes from, and how to change one."""

from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

_PATIENCE = 5.0

app = typer.Typer(help="Show and change settings.", no_args_is_help=True, rich_markup_mode=None)


Key = Annotated[
    str, typer.Argument(help="For example server.port.", autocompletion=Kind.SETTINGS.names)
]
Value = Annotated[str, typer.Argument(help="As in the file.", autocompletion=Kind.VALUES.names)]


@app.command()
def show(as_json: options.AsJson = False) -> None:
    """List all settings with their values and where those come from."""
    from llmd.cli import render
    from llmd.config.paths import find_paths
    from llmd.config.store import flatten, load_settings
    from llmd.config.values import concealed

    loaded = load_settings(find_paths().config_file)
    values = {key: concealed(value) for key, value in flatten(loaded.settings).items()}
    if as_json:
        render.print_json(
            {key: {"value": value, "source": loaded.sources[key]} for key, value in values.items()}
        )
        return
    rows = [(key, _as_text(value), loaded.sources[key]) for key, value in values.items()]
    render.table(("KEY", Column("VALUE", 1, text=True), "SOURCE"), rows)


@app.command()
def get(key: Key) -> None:
    """Print the value in force; passwords are left out."""
    from llmd.config.paths import find_paths
    from llmd.config.store import flatten, load_settings

    values = flatten(load_settings(find_paths().config_file).settings)
    if key not in values:
        raise typer.BadParameter(_unknown(key))
    typer.echo(_as_text(values[key]))


@app.command("set", context_settings={"ignore_unknown_options": True})  # so that -1 is a value
def set_(key: Key, value: Value) -> None:
    """Write one setting into the configuration file; all else in it stays as it is."""
    from llmd.config.paths import find_paths
    from llmd.config.store import convert, set_value
    from llmd.errors import ConfigInvalid

    try:
        convert(key, value, "command line")
    except ConfigInvalid as error:
        raise typer.BadParameter(str(error)) from error
    stored = set_value(find_paths().config_file, key, value)
    typer.echo(f"{key} = {_as_text(stored)}")
    _tell_what_hides(key)


@app.command()
def unset(key: Key) -> None:
    """Take one setting out of the configuration file, so that its default holds again."""
    from llmd.config.paths import find_paths
    from llmd.config.settings import Settings
    from llmd.config.store import flatten, unset_value, written

    file, defaults = find_paths().config_file, flatten(Settings())
    section, _, field = key.partition(".")
    stands = field in written(file).get(section, {})
    if key not in defaults and not stands:
        raise typer.BadParameter(_unknown(key))
    if not stands:
        typer.echo(f"{key} does not stand in {file}.")
        return
    unset_value(file, key)
    if key not in defaults:
        typer.echo(f"{key}, which is no setting, is gone from {file}.")
        return
    typer.echo(f"{key} = {_as_text(defaults[key])}")
    _tell_what_hides(key)


@app.command()
def path() -> None:
    """Print where the configuration file is."""
    from llmd.config.paths import find_paths

    typer.echo(find_paths().config_file)


def _tell_what_hides(key: str) -> None:
    """Say why a change in the file makes no difference yet, if it does not."""
    from llmd.config.paths import find_paths
    from llmd.config.store import load_settings

    file = find_paths().config_file
    source = load_settings(file).sources[key]
    if source not in {str(file), "default"}:
        typer.echo(f"The environment variable {source} still overrides it.", err=True)
        return
    running = _running(key)
    if running.get("override"):
        typer.echo(
            f"The daemon was started with {running['override']}, which overrides it.", err=True
        )
    elif running.get("pending"):
        held = f"with {running['value']}" if running["value"] else "without it"
        typer.echo(
            f"The daemon still runs {held}; `llmd restart` makes it read the file.", err=True
        )


def _running(key: str) -> dict[str, Any]:
    """Return what a setting is to the daemon; nothing where none runs."""
    from llmd.cli.connect import client
    from llmd.errors import DaemonUnreachable, NotFound

    try:
        state: dict[str, Any] = client(start=False, timeout=_PATIENCE).get(
            f"/control/settings/{key}"
        )
    except DaemonUnreachable:
        return {}
    except NotFound:  # it is of before an update
        return {"pending": True, "value": "what it started with"}
    return state


def _as_text(value: object) -> str:
    from llmd.config.values import concealed

    return str(value).lower() if isinstance(value, bool) else str(concealed(value))


def _unknown(key: str) -> str:
    from llmd.config.store import convert
    from llmd.errors import ConfigInvalid

    try:
        convert(key, "", "command line")
    except ConfigInvalid as error:
        return str(error)
    return f"there is no setting {key}"
