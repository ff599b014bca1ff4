"""Facts of made-up models, and a machine to put them on."""

from __future__ import annotations

from typing import Any

from llmd.config.settings import EngineSettings, Settings
from llmd.models.gguf.facts import Facts, Layer, Weights
from llmd.models.placement import Extras, Subject, Wishes, settle
from llmd.protocol.placement import DeviceRoom, LoadOptions

MIB = 2**20
GIB = 2**30
WIDTH = 1024


def weights(size: int, kind: str = "Q8_0") -> Weights:
    return Weights(size=size, parameters=size, types={kind: size})


def layer(**changes: Any) -> Layer:
    plain = {
        "dense": weights(100 * MIB),
        "heads": 8,
        "kv_heads": 2,
        "key_length": 128,
        "value_length": 128,
        "feed_forward": 3072,
        "cached_keys": 256,
        "cached_values": 256,
    }
    return Layer(**{**plain, **changes})


def facts(count: int = 4, **changes: Any) -> Facts:
    """A model of `count` layers of 100 MiB, with 50 MiB of embeddings and of output each."""
    plain = {
        "architecture": "llama",
        "size": (100 * count + 100) * MIB,
        "parameters": (100 * count + 100) * MIB,
        "active_parameters": (100 * count + 100) * MIB,
        "context_length": 8192,
        "width": WIDTH,
        "output_width": WIDTH,
        "vocabulary": 32000,
        "layers": [layer() for _ in range(count)],
        "input": weights(50 * MIB),
        "output": weights(50 * MIB),
        "embedding": 50 * MIB,
    }
    return Facts(**{**plain, **changes})


def moe(layers: int = 4) -> Facts:
    """A mixture of experts: each layer has 20 MiB of its own and 400 MiB of experts."""
    held = layer(
        dense=weights(20 * MIB), experts=weights(400 * MIB), feed_forward=768, experts_used=2
    )
    return facts(layers, layers=[held] * layers, architecture="qwen3moe", experts=16)


def subject(found: Facts | None = None, extras: Extras = Extras()) -> Subject:  # noqa: B008  frozen
    return Subject("m", found or facts(), extras=extras)


def wishes(
    found: Facts | None = None,
    settings: Settings = Settings(),  # noqa: B008  frozen
    *,
    generates: bool = True,
    **options: Any,
) -> Wishes:
    return settle(settings, LoadOptions(**options), found or facts(), generates=generates)


def cpu(free: int) -> DeviceRoom:
    return DeviceRoom(device="CPU", total=64 * GIB, free=free)


def gpu(free: int, name: str = "CUDA0") -> DeviceRoom:
    return DeviceRoom(device=name, total=64 * GIB, free=free)


FEW = Settings(engine=EngineSettings(parallel=2, prefixes=0))
"""Settings under which a model takes little beside its weights."""
