"""What loading a model would take: `llmd plan`."""

from typing import Any

import typer

from llmd.cli import memory, options, placing


def plan(
    model: options.OptionalModelName = None,
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
    mmap: placing.Mmap = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Show what loading a model would take of each device, without loading it."""
    wanted = placing.given(locals())
    from llmd.cli import render
    from llmd.cli.connect import client

    body = {"model": model, "options": wanted}
    answer = client(start=start).post("/control/plan", body)
    if as_json:
        render.print_json(answer)
        if not answer["fits"]:
            raise typer.Exit(1)
        return
    _print(answer)
    if not answer["fits"]:
        from llmd.errors import NoRoom

        hint = " ".join(remedy["text"] for remedy in answer["remedies"])
        raise NoRoom(answer["problem"], hint=hint)


def _print(answer: dict[str, Any]) -> None:
    from llmd.cli import render

    memory.print_plan(answer["uses"], answer["rooms"])
    typer.echo()
    layers = answer["layers"]
    render.fields(
        [
            ("context", f"{answer['context_length']} tokens x {answer['parallel']} sequences"),
            ("KV cache", f"{answer['kv_tokens']} tokens, {answer['kv_type']}"),
            ("on GPUs", f"{answer['gpu_layers']} of {layers} layers" if _on_gpu(answer) else ""),
            ("loads in", _seconds(answer)),
            ("unloads", ", ".join(answer["evicted"])),
            ("figures", "corrected by earlier loads" if answer["corrected"] else ""),
        ]
    )
    for note in answer["notes"]:
        typer.echo(note)


def _on_gpu(answer: dict[str, Any]) -> bool:
    return bool(answer["layers"]) and any(room["device"] != "CPU" for room in answer["rooms"])


def _seconds(answer: dict[str, Any]) -> str:
    from llmd.cli import render

    seconds = answer["load_seconds"]
    return "" if seconds is None else f"about {render.duration(seconds)}"
