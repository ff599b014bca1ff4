"""What is wanted of a load, all sources taken together: order and manifest over the settings."""

from __future__ import annotations

from dataclasses import dataclass

from llmd.config.settings import Settings
from llmd.errors import InvalidRequest
from llmd.models.gguf.facts import Facts
from llmd.models.placement.shape import whole_cells
from llmd.protocol.placement import LoadOptions

USUAL_CONTEXT = 8192
LEAST_CONTEXT = 1024
"""A context that nobody asked for is not made smaller than this."""

_ALL = -1
_BLOCK = 32
"""Elements that quantised types pack together."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a model is to be loaded; 0 of `kv_tokens` and None of `cpu_moe`: whatever fits."""

    context_length: int
    asked_context: bool
    """Whether somebody said so; then it is not made smaller."""
    parallel: int
    kv_tokens: int
    kv_type: str
    swa_cache: str
    """What layers that attend to a window keep: `full`, `window`, or `auto`."""
    flash: bool
    batch: int
    prefixes: int
    rows: int
    gpu_layers: int
    """-1: all."""
    asked_layers: bool
    prefer_gpu: bool
    require_gpu: bool
    tensor_split: tuple[float, ...]
    cpu_moe: int | None
    mlock: bool
    mmap: bool
    generates: bool
    ranks: bool
    shelf: int | None
    """Memory for prefixes that were set aside; None: a share of what is free."""


def settle(
    settings: Settings,
    options: LoadOptions,
    facts: Facts,
    *,
    generates: bool,
    ranks: bool = False,
) -> Wishes:
    """Return what is wanted; raise InvalidRequest where options contradict each other. `generates`:
    whether the model answers, and not only embeds; `ranks`: whether it ranks instead.
    """
    engine, placement = settings.engine, settings.placement
    context = options.context_length or engine.context_length
    layers = engine.gpu_layers if options.gpu_layers is None else options.gpu_layers
    split = options.tensor_split
    cells = options.kv_tokens or engine.kv_tokens
    wishes = Wishes(
        context_length=context or usual_context(facts.context_length, cells),
        asked_context=bool(context),
        parallel=options.parallel or engine.parallel,
        kv_tokens=cells,
        kv_type=options.kv_type or str(engine.kv_type),
        swa_cache=str(engine.swa_cache),
        flash=(options.flash_attention or str(engine.flash_attention)) != "off",
        batch=engine.batch,
        prefixes=engine.prefixes,
        rows=settings.speculation.rows,
        gpu_layers=layers,
        asked_layers=layers != _ALL,
        prefer_gpu=_or(options.prefer_gpu, placement.prefer_gpu),
        require_gpu=_or(options.require_gpu, placement.require_gpu),
        tensor_split=tuple(read_split(placement.tensor_split) if split is None else split),
        cpu_moe=_experts(options.cpu_moe, placement.cpu_moe, len(facts.layers)),
        mlock=_or(options.mlock, placement.mlock),
        mmap=_or(options.mmap, placement.mmap),
        generates=generates,
        ranks=ranks,
        shelf=(int(settings.cache.memory) or None) if engine.prefixes and generates else 0,
    )
    _check(wishes)
    _check_blocks(wishes, facts)
    return wishes


def usual_context(trained: int, cells: int) -> int:
    """Return the context length where nobody asked for one, of a model that was trained for
    `trained` tokens; 0: not known. A cache of so many `cells` must hold it; 0: any.
    """
    usual = min(trained or USUAL_CONTEXT, USUAL_CONTEXT)
    return min(usual, whole_cells(cells)) if cells else usual


def read_split(text: str) -> list[float]:
    """Read `3,1`; raise InvalidRequest for anything but shares."""
    try:
        shares = [float(part) for part in text.replace("/", ",").split(",") if part.strip()]
    except ValueError:
        shares = [-1.0]
    _check_split(shares)
    return shares


def _check(wishes: Wishes) -> None:
    _check_split(wishes.tensor_split)
    if wishes.require_gpu and (not wishes.prefer_gpu or wishes.gpu_layers == 0):
        raise InvalidRequest(
            "A GPU is required, and at the same time nothing is to be offloaded.",
            hint="Leave out require_gpu, or prefer_gpu = false and gpu_layers = 0.",
            param="require_gpu",
        )
    if wishes.kv_type != "f16" and not wishes.flash:
        raise InvalidRequest(
            f"A KV cache of type {wishes.kv_type} needs flash attention, which is off.",
            hint="Use f16, or set flash_attention to auto.",
            param="kv_type",
        )
    if wishes.kv_tokens and wishes.asked_context and wishes.kv_tokens < wishes.context_length:
        raise InvalidRequest(
            f"A KV cache of {wishes.kv_tokens} tokens cannot hold a context of "
            f"{wishes.context_length}.",
            hint="Raise kv_tokens, or lower the context length.",
            param="kv_tokens",
        )


def _check_blocks(wishes: Wishes, facts: Facts) -> None:
    """Raise InvalidRequest for a cache type whose blocks do not divide a head."""
    lengths = {layer.key_length for layer in facts.layers if layer.cached_keys}
    lengths |= {layer.value_length for layer in facts.layers if layer.cached_values}
    odd = [length for length in sorted(lengths) if length % _BLOCK]
    if wishes.kv_type != "f16" and odd and wishes.generates:
        raise InvalidRequest(
            f"This model cannot have a KV cache of type {wishes.kv_type}: its heads have {odd[0]} "
            f"elements, and that type packs {_BLOCK} together.",
            hint="Use f16.",
            param="kv_type",
        )


def _check_split(shares: list[float] | tuple[float, ...]) -> None:
    # written so that NaN fails too
    if any(not 0 <= share < float("inf") for share in shares) or (shares and not sum(shares)):
        raise InvalidRequest(
            "tensor_split is not a list of shares.",
            hint='Write one number for each GPU, such as "3,1".',
            param="tensor_split",
        )


def _experts(asked: int | None, usual: int, layers: int) -> int | None:
    """Return the layers whose experts stay on the CPU; None: as many as must."""
    if asked is None and not usual:
        return None
    wanted = usual if asked is None else asked
    return layers if wanted == _ALL else min(wanted, layers)


def _or(asked: bool | None, usual: bool) -> bool:  # noqa: FBT001  a pair of values
    return usual if asked is None else asked
