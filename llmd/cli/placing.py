"""Options that say how a model is loaded, declared once for all commands that load or plan."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer


class KvType(StrEnum):
    """Element type of the KV cache."""

    F16 = "f16"
    Q8_0 = "q8_0"
    Q4_0 = "q4_0"


class Switch(StrEnum):
    """Something that may be left to llama.cpp."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


Context = Annotated[
    int | None, typer.Option("--ctx", min=1, help="Tokens one sequence may hold.", metavar="N")
]
Parallel = Annotated[
    int | None,
    typer.Option("--parallel", min=1, max=256, help="Sequences that decode together.", metavar="N"),
]
KvTokens = Annotated[
    int | None,
    typer.Option("--kv-tokens", min=1, help="KV cache shared by all sequences.", metavar="N"),
]
KvCacheType = Annotated[
    KvType | None, typer.Option("--kv-type", help="Element type of the KV cache.")
]
FlashAttention = Annotated[
    Switch | None, typer.Option("--flash-attention", help="Attention without storing its scores.")
]
GpuLayers = Annotated[
    int | None, typer.Option("--gpu-layers", min=-1, help="Layers to offload; -1: all.")
]
PreferGpu = Annotated[
    bool | None, typer.Option("--gpu/--cpu", help="--cpu: everything stays on the CPU.")
]
RequireGpu = Annotated[
    bool | None,
    typer.Option("--require-gpu", help="Fail when not all of it fits the GPU."),
]
TensorSplit = Annotated[
    str | None, typer.Option("--tensor-split", help="Share of each GPU, such as 3,1.")
]
CpuMoe = Annotated[
    int | None,
    typer.Option("--cpu-moe", min=-1, help="Layers whose experts stay on the CPU; -1: all."),
]
Mlock = Annotated[
    bool | None, typer.Option("--mlock/--no-mlock", help="Keep weights from being swapped out.")
]
Mmap = Annotated[
    bool | None, typer.Option("--mmap/--no-mmap", help="Map weights rather than read them.")
]
KeepAlive = Annotated[
    str | None,
    typer.Option("--keep-alive", help="Unload when idle for so long, such as 10m; -1: never."),
]
Pin = Annotated[
    bool | None,
    typer.Option("--pin/--no-pin", help="Never unload it to make room for another model."),
]
Instances = Annotated[
    int | None, typer.Option("--instances", min=1, max=64, help="Processes that serve it.")
]


FIELDS = (
    "context_length",
    "parallel",
    "kv_tokens",
    "kv_type",
    "flash_attention",
    "gpu_layers",
    "prefer_gpu",
    "require_gpu",
    "tensor_split",
    "cpu_moe",
    "mlock",
    "mmap",
    "keep_alive",
    "pinned",
    "instances",
)
"""Names of the parameters that a command gives these options, those of `LoadOptions`."""


def given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options among a command's parameters (its `locals()`: they are too many to be
    named again) that were given, as the daemon takes them; raise BadParameter.
    """
    found = {name: parameters[name] for name in FIELDS if parameters.get(name) is not None}
    if "keep_alive" in found:
        found["keep_alive"] = _seconds(found["keep_alive"])
    if "tensor_split" in found:
        found["tensor_split"] = _shares(found["tensor_split"])
    return found


def _seconds(text: str) -> float:
    from llmd.config.values import Duration

    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise typer.BadParameter(f"--keep-alive: {error}") from error


def _shares(text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if not shares or min(shares) < 0 or not any(shares):
        raise typer.BadParameter("--tensor-split takes numbers with commas between, such as 3,1.")
    return shares
