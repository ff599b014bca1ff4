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

    headings = ("NAME", "STATE", "DEVICE", "MEMORY", "CONTEXT", "REQUESTS", "PID", "UNLOADS IN")
    render.table(headings, [_row(model) for model in models])


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    from llmd.cli import render

    memory, expires = model["memory"], model.get("expires_in")
    loading = model["state"] == "loading"
    return (
        model["name"],
        f"loading {model['progress']:.0%}" if loading else model["state"],
        model["device"],
        render.size(memory["resident"] or memory["weights"] + memory["kv_cache"]),
        "" if loading else f"{model['context_length']} x {model['parallel']}",
        str(model["running"]),
        str(model["pid"]),
        "never" if expires is None else render.duration(expires),
    )


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
