"""Which layers attend to a window only: a rule per architecture, since files seldom say.

From `load_arch_hparams` of src/models/*.cpp in the pinned llama.cpp (`swa_type`, `n_swa`,
`set_swa_pattern`); what is not listed has no windows, whatever its metadata say.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmd.models.gguf.facts import Window
from llmd.models.gguf.fields import Fields

_WINDOW = "attention.sliding_window"
_PATTERN = "attention.sliding_window_pattern"
_EXAONE_32B_LAYERS = 64


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a model; `layers` says of each layer whether it has one."""

    kind: Window
    size: int
    layers: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """`every`: of so many layers one is dense, the last, or the first with `dense_first`; 0: none,
    None: only an array in the file says which. `size`: of the window where the file does not say.
    `optional`: without a size in the file there are no windows. `fixed`: the file's size counts for
    nothing but being there.
    """

    every: int | None = None
    dense_first: bool = False
    size: int = 0
    optional: bool = False
    fixed: bool = False
    kind: Window = Window.STANDARD


_RULES = {
    "afmoe": _Rule(4, optional=True),
    "cohere2": _Rule(4),
    "cohere2moe": _Rule(4, dense_first=True),
    "deepseek4": _Rule(0),
    "dflash": _Rule(optional=True),
    "dots3note": _Rule(),
    "exaone-moe": _Rule(4, size=128),
    "exaone4": _Rule(4, size=4096),
    "gemma-embedding": _Rule(6, kind=Window.SYMMETRIC),
    "gemma2": _Rule(2, size=4096),
    "gemma3": _Rule(6, optional=True),
    "gemma3n": _Rule(5),
    "gemma4": _Rule(),
    "gemma4-assistant": _Rule(),
    "gpt-oss": _Rule(2),
    "granite_swa": _Rule(),
    "laguna": _Rule(4, dense_first=True, optional=True),
    "lfm2": _Rule(0, optional=True),
    "llama4": _Rule(4, size=8192, fixed=True, kind=Window.CHUNKED),
    "maple": _Rule(),
    "mellum": _Rule(4, optional=True),
    "mimo2": _Rule(),
    "modern-bert": _Rule(3, dense_first=True, optional=True, kind=Window.SYMMETRIC),
    "muse-glimmer": _Rule(4),
    "olmo2": _Rule(4, optional=True),
    "plamo3": _Rule(8, optional=True),
    "smallthinker": _Rule(4, dense_first=True, size=4096, optional=True, fixed=True),
    "spark2_5": _Rule(),
    "step35": _Rule(),
}


def windows(fields: Fields, layers: int, prediction: int = 0) -> Windows:
    """Return the windows of a model of `layers` layers, of which the last `prediction` predict
    further tokens.
    """
    rule = _RULES.get(fields.architecture)
    size = fields.number(_WINDOW)
    without = Windows(Window.NONE, 0, (False,) * layers)
    if rule is None or (rule.optional and not size):
        return without
    if fields.architecture == "llama4" and fields.has(_WINDOW) and not size:
        return without
    if fields.architecture == "exaone4" and layers - prediction != _EXAONE_32B_LAYERS:
        return without
    if rule.fixed or not fields.has(_WINDOW):
        size = rule.size
    return Windows(rule.kind, size, _pattern(fields, rule, layers, prediction))


def _pattern(fields: Fields, rule: _Rule, layers: int, prediction: int) -> tuple[bool, ...]:
    if fields.architecture == "deepseek4":
        return (True,) * layers
    named = fields.array(_PATTERN)
    if named is not None:
        return tuple(bool(flag) for flag in (named + [0] * layers)[:layers])
    if rule.every is None:
        # only a DSpark stage of DeepSeek 4 comes without the array
        return (fields.architecture == "dflash",) * layers
    every = fields.number(_PATTERN, rule.every)
    return tuple(
        layer < layers - prediction and _windowed(layer, every, dense_first=rule.dense_first)
        for layer in range(layers)
    )


def _windowed(layer: int, every: int, *, dense_first: bool) -> bool:
    if not every:
        return True
    return bool(layer % every) if dense_first else layer % every < every - 1
