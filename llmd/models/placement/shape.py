"""How a model is to be run, as far as memory depends on it.

The rules are those by which engine/loading.py creates its context; a test holds the two together by
what llama.cpp really allocates.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmd.models.gguf.architectures import ENCODERS
from llmd.models.gguf.facts import Facts, Layer

MICRO_BATCH = 512
"""Most tokens of one forward pass on GPUs, and where pictures or sounds are read."""
CPU_MICRO_BATCH = 256
MOST_SLOTS = 255
"""LLAMA_MAX_SEQ, but for the one of rows that fill up a step."""
_FILLED = 3
"""Most rows that fill up a step."""
CELL_STEP = 256
"""llama.cpp rounds a cache up to multiples of this."""
_LARGE_VOCABULARY = 65_536
"""Tokens from which on logits are read where they are computed."""
_PARKED_STATES = 4
_WINDOWS_SHARE = 16
"""The part of the cells of a cache that the windows of parked prefixes may take."""
_EMBEDDED_TOKENS = 512
_EMBEDDED_INPUTS = 64
_HEADLESS_BATCH = 128


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes in tokens, but for `parallel`, `prefixes` and `rows`."""

    context_length: int
    parallel: int
    cells: int
    """Of the KV cache."""
    kv_type: str = "f16"
    batch: int = 512
    prefixes: int = 64
    """Most prefixes parked in the cache."""
    rows: int = 48
    """Most drafted tokens of one step."""
    flash: bool = True
    """Whether attention is computed without storing its scores."""
    generates: bool = True
    """False: the model only embeds or ranks."""
    ranks: bool = False
    gpu: bool = False
    """Whether any layer is offloaded."""
    media: bool = False
    """Whether it has a projector."""
    full_windows: bool = True
    """Whether layers that attend to a window keep all tokens, see `can_be_narrow`."""

    @property
    def tokens(self) -> int:
        """Tokens of one forward pass."""
        most = MICRO_BATCH if self.gpu or self.media else CPU_MICRO_BATCH
        return min(self.batch, most, whole_cells(self.cells))


@dataclass(frozen=True, slots=True)
class Run:
    """One context of llama.cpp: the worst of its decode calls."""

    cells: int
    sequences: int
    tokens: int
    """Of one forward pass."""
    outputs: int
    """Rows of logits."""
    kv_type: str = "f16"
    flash: bool = True
    in_place: bool = False
    """Whether no logits are copied: they are read where they are computed, or not computed."""
    window_cells: int = 0
    """Of layers that attend to a window; 0: as many as of all others."""

    @property
    def padded(self) -> int:
        """Tokens that llama.cpp reserves buffers for: as many for each sequence."""
        return -(-self.tokens // self.sequences) * self.sequences


def whole_cells(tokens: int) -> int:
    """Return the cells that are allocated for so many tokens."""
    return -(-tokens // CELL_STEP) * CELL_STEP


def slots(facts: Facts, shape: Shape) -> int:
    """Return the sequence ids: those that run, those that are parked, and one to move with."""
    parked = shape.prefixes
    if facts.recurrent:
        # each id costs a state
        parked = min(parked, _PARKED_STATES)
    elif not shape.full_windows:
        # each id costs a window
        share = whole_cells(shape.cells) // _WINDOWS_SHARE // facts.window
        parked = min(parked, max(_PARKED_STATES, share))
    return min(shape.parallel + parked + 1, MOST_SLOTS)


def layer_cells(layer: Layer, run: Run) -> int:
    """Return the cells that a layer has."""
    return run.window_cells or run.cells if layer.windowed else run.cells


def run_of(facts: Facts, shape: Shape) -> Run:
    """Return the context that a model is served from."""
    if not shape.generates:
        return _embedding(facts, shape)
    used, in_place = slots(facts, shape), _in_place(facts, shape)
    outputs = max(shape.parallel + shape.rows, used) + _FILLED
    sequences, cells = used + (not facts.recurrent and not shape.gpu), whole_cells(shape.cells)
    windows = min(cells, whole_cells(facts.window * sequences + shape.tokens))
    return Run(
        cells=cells,
        # an id for each row, so that no room for copies is made when a call has more rows than ids
        sequences=min(max(sequences, outputs), MOST_SLOTS + 1) if in_place else sequences,
        tokens=shape.tokens,
        outputs=outputs,
        kv_type=shape.kv_type,
        flash=shape.flash,
        in_place=in_place,
        window_cells=0 if shape.full_windows else windows,
    )


def can_be_narrow(facts: Facts, *, prediction: bool = False) -> bool:
    """Whether layers that attend to a window can have cells for a window of each sequence only;
    `prediction`: whether layers that predict further tokens are loaded.
    """
    windowed = facts.window > 0 and any(layer.windowed for layer in facts.layers)
    # their caches are made of more parts, which llama.cpp sizes by other rules
    odd = any(layer.cached_index or layer.compressed for layer in facts.layers)
    return windowed and not (facts.recurrent or prediction or odd or facts.separate_streams)


def _embedding(facts: Facts, shape: Shape) -> Run:
    # encoders and rerankers read a text in one go, and have logits for each of its tokens; each
    # sequence id of a recurrent model costs a state
    parts = facts.has_cache and facts.causal and facts.architecture not in ENCODERS
    headless = parts and not (shape.ranks or shape.gpu or facts.recurrent)
    return Run(
        cells=_EMBEDDED_TOKENS if facts.has_cache else 0,
        sequences=_HEADLESS_BATCH if headless else _EMBEDDED_INPUTS,
        tokens=_HEADLESS_BATCH if headless else _EMBEDDED_TOKENS,
        outputs=_HEADLESS_BATCH if headless else _EMBEDDED_TOKENS,
        flash=shape.flash,
        in_place=headless,
    )


def _in_place(facts: Facts, shape: Shape) -> bool:
    windowed = any(layer.windowed for layer in facts.layers)
    plain = not (shape.gpu or windowed or facts.recurrent or facts.prediction_layers)
    return plain and facts.vocabulary >= _LARGE_VOCABULARY


def draft_run(shape: Shape) -> Run:
    """Return the context of a draft model, or of prediction layers, beside that of its target."""
    return Run(
        cells=whole_cells(shape.cells),
        sequences=shape.parallel,
        tokens=shape.tokens,
        outputs=shape.parallel,
        kv_type=shape.kv_type,
        flash=shape.flash,
    )
