"""Models in memory: `llmd ps load unload`."""

from typing import Annotated, Any

import typer

from llmd.cli import memory, options, placing
from llmd.cli.columns import Column


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
        Column("STATE", 5),
        Column("DEVICE", 3),
        Column("MEMORY", 4),
        Column("CONTEXT", 2),
        Column("CACHE", 1),
        Column("REQUESTS", 2),
        Column("SPEED", 1),
        "PID",
        Column("UNLOADS IN", 3),
    )
    render.table(headings, [_row(model) for model in models])
    if any(model.get("predicted") for model in models):
        typer.echo()
        memory.print_memory(models)


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    from llmd.cli import render

    taken, expires = model["memory"], model.get("expires_in")
    now = model.get("activity", {})
    loading = model["state"] == "loading"
    return (
        _name(model),
        f"loading {model['progress']:.0%}" if loading else model["state"],
        model["device"],
        render.size(taken["resident"] or taken["weights"] + taken["kv_cache"]),
        "" if loading else f"{model['context_length']} x {model['parallel']}",
        _share(now.get("kv_used", 0), model.get("kv_tokens", 0)),
        _requests(model["running"], now.get("waiting", 0)),
        f"{now['generated_per_second']:.0f} t/s" if now.get("generated_per_second") else "",
        str(model["pid"]),
        _leaving(model, expires),
    )


def _name(model: dict[str, Any]) -> str:
    several = model.get("instances", 1)
    return f"{model['name']} x{several}" if several > 1 else str(model["name"])


def _leaving(model: dict[str, Any], expires: float | None) -> str:
    from llmd.cli import render

    if model["state"] == "waiting":
        return f"{model.get('waiting', 0)} wait for room"
    if model.get("pinned"):
        return "pinned"
    return "never" if expires is None else render.duration(expires)


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
    quantization: Annotated[
        str | None,
        typer.Option(
            "--quantization",
            "-q",
            metavar="TYPE",
            help="This variant, such as q4_0: from disk, else pulled, else quantised.",
        ),
    ] = None,
    context_length: placing.Context = None,
    parallel: placing.Parallel = None,
    kv_tokens: placing.KvTokens = None,
    kv_type: placing.KvCacheType = None,
    flash_attention: placing.FlashAttention = None,
    gpu_layers: placing.GpuLayers = None,
    prefer_gpu: placing.PreferGpu = None,
    require_gpu: placing.RequireGpu = None,
    tensor_split: placing.TensorSplit = None,
    cpu_moe: placing.CpuMoe = None,
    mlock: placing.Mlock = None,
    mmap: placing.Mmap = None,
    keep_alive: placing.KeepAlive = None,
    pinned: placing.Pin = None,
    instances: placing.Instances = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Load a model into memory now; what is said here holds until it is unloaded by name."""
    wanted = placing.given(locals())
    from llmd.cli import making, progress, render
    from llmd.cli.connect import client

    show = progress.choose(as_json=as_json, bar=making.bar, lines=making.lines)
    order: dict[str, Any] = {"model": model}
    if quantization:
        order["quantization"] = quantization
    if wanted:
        order["options"] = wanted
    with client(start=start).stream_lines("/control/load", order) as events:
        last = show(events)
    loaded = last.get("model")
    if loaded and not as_json:
        took = (
            f" in {render.duration(loaded['load_seconds'])}" if loaded.get("load_seconds") else ""
        )
        typer.echo(f"{loaded['name']} is loaded on {loaded['device']}{took}")


def unload(
    model: options.OptionalLoadedName = None,
    everything: Annotated[bool, typer.Option("--all", help="Unload all models.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Do not wait for running answers.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Take a model out of memory."""
    from llmd.cli import render
    from llmd.cli.connect import client

    body = {"model": model, "all": everything, "force": force}
    answer = client(start=False).post("/control/unload", body)
    if as_json:
        render.print_json(answer)
        return
    names = answer["unloaded"]
    typer.echo(f"unloaded {', '.join(names)}" if names else "nothing was loaded")
