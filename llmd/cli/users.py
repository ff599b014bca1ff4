"""`llmd users add ls rm passwd enable disable limit audit`: who may log in."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from llmd.cli import allowance, options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

app = typer.Typer(
    help="Accounts of people: add, list, change and remove them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class RoleChoice(StrEnum):
    """What an account is."""

    ADMIN = "admin"
    USER = "user"


Name = Annotated[str, typer.Argument(help="Name of the user.", autocompletion=Kind.USERS.names)]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]


@app.command()
def add(
    name: Name,
    role: Annotated[RoleChoice, typer.Option("--role", help="What it may do.")] = RoleChoice.USER,
    password_stdin: PasswordStdin = False,
    rpm: allowance.RequestsPerMinute = None,
    tpm: allowance.TokensPerMinute = None,
    tpd: allowance.TokensPerDay = None,
    concurrent: allowance.Concurrent = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Make an account; the first admin is made so, too."""
    from llmd.cli import render
    from llmd.cli.connect import client

    limits = allowance.allowance(rpm, tpm, tpd, concurrent)
    order = {
        "name": name,
        "password": _password(from_stdin=password_stdin),
        "role": role,
        "limits": limits,
    }
    user = client(start=start).post("/control/users", order)
    if as_json:
        render.print_json(user)
        return
    typer.echo(f"added {user['name']} ({user['role']})")


@app.command()
def ls(as_json: options.AsJson = False, start: options.AutoStart = True) -> None:
    """List accounts."""
    from llmd.cli import render
    from llmd.cli.connect import client

    found = client(start=start).get("/control/users")
    if as_json:
        render.print_json(found)
        return
    headings = (
        "NAME",
        Column("ROLE", 2),
        Column("STATE", 2),
        "ADDED",
        Column("LAST LOGIN", 1),
        "LIMITS",
    )
    render.table(headings, [_row(user) for user in found["users"]])


@app.command()
def rm(name: Name, yes: options.Yes = False, start: options.AutoStart = True) -> None:
    """Forget an account, its keys and its logins."""
    from llmd.cli.confirming import confirm
    from llmd.cli.connect import client

    confirm(f"Forget {name}, with all keys and logins?", yes=yes)
    removed = client(start=start).delete(_path(name))
    typer.echo(f"removed {removed['removed']}")


@app.command()
def passwd(
    name: Name, password_stdin: PasswordStdin = False, start: options.AutoStart = True
) -> None:
    """Give an account another password, which ends its logins."""
    _change(name, {"password": _password(from_stdin=password_stdin)}, start=start)
    typer.echo(f"changed the password of {name}")


@app.command()
def enable(name: Name, start: options.AutoStart = True) -> None:
    """Let a disabled account in again."""
    _change(name, {"enabled": True}, start=start)
    typer.echo(f"enabled {name}")


@app.command()
def disable(name: Name, start: options.AutoStart = True) -> None:
    """Let nobody in with an account or its keys; answers under way end."""
    _change(name, {"enabled": False}, start=start)
    typer.echo(f"disabled {name}")


@app.command()
def limit(
    name: Name,
    rpm: allowance.RequestsPerMinute = None,
    tpm: allowance.TokensPerMinute = None,
    tpd: allowance.TokensPerDay = None,
    concurrent: allowance.Concurrent = None,
    start: options.AutoStart = True,
) -> None:
    """Say how much an account may use; what is left out is as the settings say."""
    user = _change(name, {"limits": allowance.allowance(rpm, tpm, tpd, concurrent)}, start=start)
    typer.echo(f"{user['name']}: {allowance.shown(user['limits']) or 'as the settings say'}")


@app.command()
def audit(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many.")] = 30,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Show logins, changes of accounts and keys, and what was refused; newest last."""
    from llmd.cli import render
    from llmd.cli.connect import client

    found = client(start=start).get(f"/control/audit?limit={lines}")
    if as_json:
        render.print_json(found)
        return
    headings = (
        "WHEN",
        Column("WHAT", 3),
        Column("BY", 2),
        Column("ON", 2),
        "FROM",
        Column("DETAIL", 1, text=True),
    )
    render.table(headings, [_entry(entry) for entry in reversed(found["entries"])])


def _entry(entry: dict[str, Any]) -> tuple[str, ...]:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(entry["at"], UTC).astimezone()
    plain = (entry[name] for name in ("kind", "actor", "subject", "address", "detail"))
    return (moment.isoformat(" ", "seconds"), *plain)


def _row(user: dict[str, Any]) -> tuple[str, ...]:
    from llmd.cli import render

    login = user["last_login"]
    return (
        user["name"],
        user["role"],
        "enabled" if user["enabled"] else "disabled",
        render.ago(user["created_at"]),
        "never" if login is None else render.ago(login),
        allowance.shown(user["limits"]),
    )


def _change(name: str, changes: dict[str, Any], *, start: bool) -> dict[str, Any]:
    from llmd.cli.connect import client

    return client(start=start).post(_path(name), changes)


def _path(name: str) -> str:
    from urllib.parse import quote

    return f"/control/users/{quote(name, safe='')}"


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not _at_terminal():
        raise typer.BadParameter(
            "There is no terminal to ask for the password; use --password-stdin."
        )
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _at_terminal() -> bool:
    return sys.stdin.isatty()
