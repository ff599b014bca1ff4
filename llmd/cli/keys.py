"""`llmd keys add ls usage rm enable disable limit`: what programs are let in with."""

import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from llmd.cli import allowance, options
from llmd.cli.columns import Column
from llmd.cli.completing.kinds import Kind

_DAY = 86_400

app = typer.Typer(
    help="API keys: add, list, change and remove them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class ScopeChoice(StrEnum):
    """What a key may be for."""

    GENERATE = "generate"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    SESSIONS = "sessions"
    METRICS = "metrics"
    ADMIN = "admin"


Key = Annotated[
    str, typer.Argument(help="Prefix, name or id of the key.", autocompletion=Kind.KEYS.names)
]


@app.command()
def add(
    user: Annotated[
        str,
        typer.Option(
            "--user",
            "-u",
            help="User it acts for; default: it is a program's own.",
            autocompletion=Kind.USERS.names,
        ),
    ] = "",
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "",
    scopes: Annotated[
        list[ScopeChoice] | None,
        typer.Option(
            "--scope",
            help="What it may do, may be given several times; default: all that its user may, "
            "without one generate, models:read and sessions.",
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="When it ends, such as 30d; default: never.")
    ] = None,
    rpm: allowance.RequestsPerMinute = None,
    tpm: allowance.TokensPerMinute = None,
    tpd: allowance.TokensPerDay = None,
    concurrent: allowance.Concurrent = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Make a key and print its secret, which is never shown again."""
    from llmd.cli import render
    from llmd.cli.connect import client

    order = {
        "user": user,
        "name": name,
        "scopes": scopes or None,
        "expires_in": _seconds(expires),
        "limits": allowance.allowance(rpm, tpm, tpd, concurrent),
    }
    made = client(start=start).post("/control/keys", order)
    if as_json:
        render.print_json(made)
        return
    typer.echo(made["secret"])
    render.note("Keep it: llmd stores only its hash and cannot show it again.")


@app.command()
def ls(
    user: Annotated[
        str,
        typer.Option(
            "--user", "-u", help="Only those of this user.", autocompletion=Kind.USERS.names
        ),
    ] = "",
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """List keys, by the beginning of their secrets."""
    from urllib.parse import quote

    from llmd.cli import render
    from llmd.cli.connect import client

    query = f"?user={quote(user, safe='')}" if user else ""
    found = client(start=start).get(f"/control/keys{query}")["keys"]
    keys = [{**row["key"], "user_name": row["user"]} for row in found]
    if as_json:
        render.print_json({"keys": keys})
        return
    headings = (
        "KEY",
        Column("NAME", 4),
        Column("USER", 3),
        Column("STATE", 4),
        Column("SCOPES", 1),
        Column("LAST USED", 2),
        Column("EXPIRES", 2),
        "LIMITS",
    )
    render.table(headings, [_row(key) for key in keys])


@app.command()
def usage(
    key: Annotated[
        str | None,
        typer.Argument(
            help="Prefix, name or id of a key, for its days; default: sums of all keys.",
            autocompletion=Kind.KEYS.names,
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=400, help="How many, today (UTC) included.")
    ] = 30,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Show the tokens that keys have used, of prompts and answers."""
    from urllib.parse import urlencode

    from llmd.cli import render
    from llmd.cli.connect import client

    query = {"days": days, **({"key": key} if key else {})}
    found = client(start=start).get(f"/control/usage?{urlencode(query)}")
    if as_json:
        render.print_json(found)
    elif key:
        days_of = [_day(day) for one in found["keys"] for day in one["days"]]
        render.table(("DAY", "TOKENS", "ANSWERS"), days_of)
    else:
        columns = (
            "KEY",
            Column("NAME", 2),
            Column("USER", 1),
            Column("TODAY", 2),
            Column(f"{days} DAYS", 3),
            "ANSWERS",
        )
        render.table(columns, [_sums(one) for one in found["keys"]])


@app.command()
def rm(key: Key, yes: options.Yes = False, start: options.AutoStart = True) -> None:
    """Forget a key; answers under way end."""
    from llmd.cli.confirming import confirm
    from llmd.cli.connect import client

    confirm(f"Forget the key {key}? What uses it is refused from then on.", yes=yes)
    removed = client(start=start).delete(_path(key))
    typer.echo(f"removed {removed['removed']}")


@app.command()
def enable(key: Key, start: options.AutoStart = True) -> None:
    """Let a disabled key in again."""
    typer.echo(f"enabled {_change(key, {'enabled': True}, start=start)['prefix']}")


@app.command()
def disable(key: Key, start: options.AutoStart = True) -> None:
    """Let nobody in with a key; answers under way end."""
    typer.echo(f"disabled {_change(key, {'enabled': False}, start=start)['prefix']}")


@app.command()
def limit(
    key: Key,
    rpm: allowance.RequestsPerMinute = None,
    tpm: allowance.TokensPerMinute = None,
    tpd: allowance.TokensPerDay = None,
    concurrent: allowance.Concurrent = None,
    start: options.AutoStart = True,
) -> None:
    """Say how much a key may use; what is left out is as the settings say."""
    limits = allowance.allowance(rpm, tpm, tpd, concurrent)
    changed = _change(key, {"limits": limits}, start=start)
    typer.echo(
        f"{changed['prefix']}: {allowance.shown(changed['limits']) or 'as the settings say'}"
    )


def _change(key: str, changes: dict[str, Any], *, start: bool) -> dict[str, Any]:
    from llmd.cli.connect import client

    return client(start=start).post(_path(key), changes)


def _path(key: str) -> str:
    from urllib.parse import quote

    return f"/control/keys/{quote(key, safe='')}"


def _seconds(text: str | None) -> float | None:
    from llmd.config.values import Duration

    if text is None:
        return None
    try:
        found = Duration.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no {Duration.ALLOWED}.") from error
    return float(found) if found.limited else None


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    from llmd.cli import render

    ends, used = key["expires_at"], key["last_used"]
    expired = ends is not None and ends <= time.time()
    state = "expired" if expired else "enabled" if key["enabled"] else "disabled"
    left = (
        "never" if ends is None else "" if expired else f"in {render.duration(ends - time.time())}"
    )
    return (
        key["prefix"],
        key["name"],
        key["user_name"],
        state,
        " ".join(sorted(key["scopes"])),
        "never" if used is None else render.ago(used),
        left,
        allowance.shown(key["limits"]),
    )


def _day(day: dict[str, Any]) -> tuple[str, ...]:
    date = time.strftime("%Y-%m-%d", time.gmtime(day["start"]))
    return (date, f"{day['tokens']:,}", f"{day['answers']:,}")


def _sums(key: dict[str, Any]) -> tuple[str, ...]:
    days = key["days"]
    today = time.time() // _DAY * _DAY
    now = sum(day["tokens"] for day in days if day["start"] >= today)
    tokens, answers = (sum(day[name] for day in days) for name in ("tokens", "answers"))
    return (key["prefix"], key["name"], key["user"], f"{now:,}", f"{tokens:,}", f"{answers:,}")
