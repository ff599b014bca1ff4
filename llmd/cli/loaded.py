"""Models in memory: `llmd ps load unload`."""

from typing import Annotated, Any

import typer

from llmd.cli import options


def ps(as_json: options.AsJson = False, start: options.AutoStart = True) -> None:
    """List the models in memory."""
    from llmd.cli import render
    from llmd.cli.connect import client

    answer = client(start=start).get("/control/ps")
    if as_json:
        render.print_json(answer)
    else:
        print_loaded(answer["models"])


def print_loaded(models: list[dict[str, Any]]) -> None:
    """Print one line per loaded model."""
    from llmd.cli import render

    headings = (
        "NAME",
        "STATE",
        "DEVICE",
        "MEMORY",
        "CONTEXT",
        "CACHE",
        "REQUESTS",
        "SPEED",
        "PID",
        "UNLOADS IN",
    )
    render.table(headings, [_row(model) for model in models])


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    from llmd.cli import render

    memory, expires = model["memory"], model.get("expires_in")
    now = model.get("activity", {})
    loading = model["state"] == "loading"
    return (
        model["name"],
        f"loading {model['progress']:.0%}" if loading else model["state"],
        model["device"],
        render.size(memory["resident"] or memory["weights"] + memory["kv_cache"]),
        "" if loading else f"{model['context_length']} x {model['parallel']}",
        _share(now.get("kv_used", 0), model.get("kv_tokens", 0)),
        _requests(model["running"], now.get("waiting", 0)),
        f"{now['generated_per_second']:.0f} t/s" if now.get("generated_per_second") else "",
        str(model["pid"]),
        "never" if expires is None else render.duration(expires),
    )


def _share(used: int, cells: int) -> str:
    return f"{used / cells:.0%}" if cells else ""


def _requests(running: int, waiting: int) -> str:
    """Return `3+2 waiting`; the engine told of those that wait a moment ago, so they may be more
    than there are.
    """
    waiting = min(waiting, running)
    return f"{running - waiting}+{waiting} waiting" if waiting else str(running)


def load(
    model: options.OptionalModelName = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Load a model into memory now."""
    from llmd.cli import progress, render
    from llmd.cli.connect import client

    show = progress.choose(as_json=as_json, bar=progress.load_bar, lines=progress.load_silently)
    with client(start=start).stream_lines("/control/load", {"model": model}) as events:
        last = show(events)
    loaded = last.get("model")
    if loaded and not as_json:
        took = (
            f" in {render.duration(loaded['load_seconds'])}" if loaded.get("load_seconds") else ""
        )
        typer.echo(f"{loaded['name']} is loaded on {loaded['device']}{took}")


def unload(
    model: options.OptionalModelName = None,
    everything: Annotated[bool, typer.Option("--all", help="Unload all models.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Do not wait for running answers.")
    ] = False,
) -> None:
    """Take a model out of memory."""
    from llmd.cli.connect import client

    body = {"model": model, "all": everything, "force": force}
    names = client(start=False).post("/control/unload", body)["unloaded"]
    typer.echo(f"unloaded {', '.join(names)}" if names else "nothing was loaded")
