"""Options that say how much somebody may use."""

from typing import Annotated, Any

import typer

RequestsPerMinute = Annotated[
    int | None,
    typer.Option("--rpm", min=0, help="Requests per minute; 0: no limit."),
]
TokensPerMinute = Annotated[
    int | None,
    typer.Option("--tpm", min=0, help="Tokens per minute; 0: no limit."),
]
TokensPerDay = Annotated[
    int | None,
    typer.Option("--tpd", min=0, help="Tokens per day; 0: no limit."),
]
Concurrent = Annotated[
    int | None,
    typer.Option("--concurrent", min=0, help="Requests at the same time; 0: no limit."),
]

_SHORT = {
    "requests_per_minute": "req/min",
    "tokens_per_minute": "tok/min",
    "tokens_per_day": "tok/day",
    "concurrent": "at once",
}


def allowance(
    rpm: int | None, tpm: int | None, tpd: int | None, concurrent: int | None
) -> dict[str, int]:
    """Return the limits that were given; the settings decide on the others."""
    values = dict(zip(_SHORT, (rpm, tpm, tpd, concurrent), strict=True))
    return {name: value for name, value in values.items() if value is not None}


def shown(limits: dict[str, Any]) -> str:
    """Return limits in words; empty: as the settings say."""
    return ", ".join(
        f"{limits[name] or 'unlimited'} {short}"
        for name, short in _SHORT.items()
        if limits.get(name) is not None
    )
