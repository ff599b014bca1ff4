"""`llmd bench`: how quick a model is here, and next to another server under the same load.

Rounds alternate between the servers, so that a noisy machine hits both; each figure is the median
of its rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.columns import Column

if TYPE_CHECKING:
    from llmd.cli.measures import Case, Figures
    from llmd.client.client import Client
    from llmd.client.load import Outcome, Target

_MANY = 1000


def bench(
    model: options.OptionalModelName = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Base URL of another OpenAI-compatible server to load alike, for example "
            "http://localhost:8080/v1.",
        ),
    ] = None,
    against_model: Annotated[
        str | None, typer.Option(help="Name of the model there; default: its only one.")
    ] = None,
    api_key: Annotated[
        str, typer.Option(help="API key for the other server.", envvar="LLMD_BENCH_API_KEY")
    ] = "",
    prompt: Annotated[int, typer.Option(min=16, help="Length of long prompts, in words.")] = 512,
    answer: Annotated[int, typer.Option(min=2, help="Length of answers, in tokens.")] = 64,
    concurrency: Annotated[
        str, typer.Option(help="How many streams at once, one measurement each.")
    ] = "1,2,4,8,16",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each measurement.")] = 3,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Measure the speed of a model: reading, writing, many streams, shared prefixes, memory."""
    from llmd.cli.connect import client
    from llmd.cli.measures import Size, cases
    from llmd.client.load import Target, Work

    size = Size(prompt=prompt, answer=answer, concurrency=_streams(concurrency))
    daemon = client(start=start)
    name = _load(daemon, model)
    targets = {"llmd": Target(f"{daemon.get('/control/status')['address']}/v1", name)}
    if against:
        targets["other"] = _other(against.rstrip("/"), against_model or name, api_key)
    results = _measure(cases(size, Work), targets, rounds)
    _report(results, targets, _memory(daemon, name), as_json=as_json)
    if any(result["llmd"].errors for _, result in results):
        raise typer.Exit(1)


def _streams(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(1 <= number <= _MANY for number in found):
        raise typer.BadParameter("give numbers from 1 to 1000, such as 1,4,16.")
    return found


def _load(daemon: Client, model: str | None) -> str:
    """Load the model and return its name."""
    with daemon.stream_lines("/control/load", {"model": model}) as events:
        last: dict[str, Any] = {}
        for event in events:
            last = event
    return str(last["model"]["name"])


def _other(url: str, model: str, api_key: str) -> Target:
    """Return the other server, with the model it knows by that name, or its only one."""
    import asyncio

    from llmd.client import load
    from llmd.errors import ModelNotFound

    names = asyncio.run(load.models(load.Target(url, model, api_key)))
    if model not in names:
        if len(names) != 1:
            raise ModelNotFound(
                f"{url} has no model {model}.",
                hint=f"Name one with --against-model: {', '.join(names[:5])}.",
            )
        model = names[0]
    return load.Target(url, model, api_key)


def _measure(
    wanted: list[Case], targets: dict[str, Target], rounds: int
) -> list[tuple[Case, dict[str, Figures]]]:
    import asyncio
    import itertools
    import time

    from llmd.cli import render
    from llmd.cli.measures import figures
    from llmd.client import load

    # a server may remember what it read in earlier runs: every round gets prompts of its own
    seeds = itertools.count(time.time_ns())
    warm = load.Work(requests=2, concurrency=2, prompt=8, answer=4)
    for target in targets.values():
        asyncio.run(load.run(target, warm, next(seeds)))
    results = []
    for place, case in enumerate(wanted):
        render.note(f"{case.name} ({place + 1} of {len(wanted)})")
        outcomes: dict[str, list[Outcome]] = {name: [] for name in targets}
        for _ in range(rounds):
            for name, target in targets.items():
                outcomes[name].append(asyncio.run(load.run(target, case.work, next(seeds))))
        results.append((case, {name: figures(case, found) for name, found in outcomes.items()}))
    return results


def _memory(daemon: Client, name: str) -> dict[str, Any]:
    loaded = daemon.get("/control/ps")["models"]
    return next((dict(model["memory"]) for model in loaded if model["name"] == name), {})


def _report(
    results: list[tuple[Case, dict[str, Figures]]],
    targets: dict[str, Target],
    memory: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    import msgspec

    from llmd.cli import render

    if as_json:
        shown = [_as_json(case, found) for case, found in results]
        servers = {
            name: {"url": target.url, "model": target.model} for name, target in targets.items()
        }
        render.print_json(
            msgspec.to_builtins({"servers": servers, "cases": shown, "memory": memory})
        )
        return
    first = Column("FIRST TOKEN", 1)
    headings = [Column("CASE"), Column("LLMD", 3), first, Column("FROM CACHE")]
    if "other" in targets:
        headings += [Column("OTHER", 3), first, Column("TIMES AS FAST", 2)]
    render.table(headings, [_row(case, found) for case, found in results])
    if memory:
        parts = ", ".join(
            f"{name.replace('_', ' ')} {render.size(size)}" for name, size in memory.items() if size
        )
        render.note(f"memory: {parts}")
    for _, found in results:
        for name, figure in found.items():
            if figure.errors or figure.short:
                what = f"{figure.errors} errors, {figure.short} answers too short"
                render.note(f"{name}: {what} {figure.error}".rstrip())


def _as_json(case: Case, found: dict[str, Figures]) -> dict[str, Any]:
    from llmd.cli.measures import ratio

    shown: dict[str, Any] = {"case": case.name, "unit": case.unit, "work": case.work, **found}
    if "other" in found:
        shown["ratio"] = ratio(found["llmd"], found["other"])
    return shown


def _row(case: Case, found: dict[str, Figures]) -> list[str]:
    from llmd.cli.measures import ratio

    ours = found["llmd"]
    row = [case.name, _value(case, ours), _seconds(ours), f"{ours.cached_share:.0%}"]
    if other := found.get("other"):
        times = ratio(ours, other)
        row += [_value(case, other), _seconds(other), "-" if times is None else f"{times:.2f}"]
    return row


def _value(case: Case, figure: Figures) -> str:
    return "-" if figure.value is None else f"{figure.value:.1f} {case.unit}"


def _seconds(figure: Figures) -> str:
    return "-" if figure.first_token is None else f"{figure.first_token:.3f} s"
