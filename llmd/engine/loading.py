"""Opens a model file: settles the automatic sizes, loads, and says in our words why llama.cpp
refused.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from llmd.engine.adapters import Adapters
from llmd.engine.bindings import Context, ContextShape, Model, devices, start_backend, start_media
from llmd.engine.cache_files import Bounds, CacheFiles, fingerprint
from llmd.engine.drafting import Target, open_speculator, wants_prediction
from llmd.engine.embedding import Embedder
from llmd.engine.memory import memory_for
from llmd.engine.prefix_shelf import PrefixShelf
from llmd.engine.scheduler import Limits
from llmd.engine.scoring import Scorer
from llmd.engine.step import Engine, Machine
from llmd.engine.vision import MICRO_BATCH, Media, open_media
from llmd.engine.warm_prefixes import Stores, WarmPrefixes
from llmd.errors import CorruptFile, LlmdError, LoadFailed, NoRoom, UnsupportedArchitecture
from llmd.protocol.frames import Load, Ready

_USUAL_CONTEXT = 8192
_KV_SHARE = 4
_PARKED_STATES = 4
_SHELF_SHARE = 16
_SHELF_BYTES = 512 * 2**20
_MOST_SLOTS = 256  # LLAMA_MAX_SEQ
_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds that the control group may run in each period, and the period; `max`: no limit."""
_ERROR = 4
_LEVELS = {1: "debug", 2: "info", 3: "warning", _ERROR: "error", 5: "debug"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model: `engine` generates and `scorer` judges texts (both None for a pure encoder),
    `embedder` makes vectors, `media` takes pictures and sounds.
    """

    model: Model
    adapters: Adapters
    engine: Engine | None
    embedder: Embedder
    scorer: Scorer | None
    ready: Ready
    media: Media | None = None
    """None: it takes text alone."""


class Complaints:
    """llama.cpp's log: forwards every line and remembers the latest errors."""

    def __init__(self, forward: Callable[[str, str], None]) -> None:
        self._forward = forward
        self.errors: deque[str] = deque(maxlen=20)

    def warn(self, text: str) -> None:
        """Log something of our own."""
        self._forward(_LEVELS[3], text)

    def __call__(self, level: int, text: str) -> None:
        """Take one piece of llama.cpp's log."""
        line = text.strip()
        if level == _ERROR:
            self.errors.append(line)
        if line.strip("."):
            self._forward(_LEVELS.get(level, "info"), line)


def open_model(
    load: Load, progress: Callable[[float], None], log: Callable[[str, str], None]
) -> Opened:
    """Load what `load` asks for; raise CorruptFile, UnsupportedArchitecture, NoRoom, LoadFailed."""
    complaints = Complaints(log)
    start_backend(complaints)
    model = Model.load(
        load.path,
        gpu_layers=load.gpu_layers,
        progress=progress,
        prediction=wants_prediction(load.drafting),
    )
    if model is None:
        raise load_fault(load.path, list(complaints.errors))
    threads = load.threads or usable_cores()
    context_length = load.context_length or min(model.trained_context, _USUAL_CONTEXT)
    adapters = Adapters(model, load.adapters)
    embedder = Embedder(
        model,
        min(context_length, model.trained_context),
        threads,
        adapters=adapters,
        pooling=load.pooling,
    )
    generates = model.has_decoder and not load.embedding
    kv_tokens = _kv_tokens(load, model, context_length) if generates else 0
    engine = None
    if generates:
        shape = _shape(load, model, kv_tokens, threads)
        context = Context.create(model, shape)
        if context is None:
            raise load_fault(load.path, list(complaints.errors), loaded=True)
        target = Target(model, context, shape, load.parallel, load.gpu_layers)
        engine = _engine(load, target, adapters, context_length, complaints)
    scorer = Scorer(model, adapters, threads, load.kv_type) if generates else None
    media = None
    if engine and load.senses:
        start_media(complaints)
        media = open_media(load, model, threads, context_length, log)
        engine.projector = media.projector
    ready = _ready(load, model, context_length, kv_tokens, media)
    return Opened(model, adapters, engine, embedder, scorer, ready, media)


def _engine(
    load: Load, target: Target, adapters: Adapters, context_length: int, complaints: Complaints
) -> Engine:
    model, context = target.model, target.context
    memory = memory_for(model, context)
    limits = Limits(
        parallel=load.parallel,
        slots=_slots(load, model),
        kv_tokens=context.tokens,
        batch=load.batch,
        prefill_chunk=load.prefill_chunk,
        max_queue=load.max_queue,
        slowdown=load.slowdown,
    )
    speculator = None
    if memory.cuts:
        speculator = open_speculator(
            load.drafting,
            target,
            lambda path: load_fault(path, list(complaints.errors)),
            complaints.warn,
        )
    machine = Machine(model, context, memory, adapters.activate, speculator)
    engine = Engine(machine, limits, context_length)
    if load.prefixes:
        stores = Stores(PrefixShelf(_shelf_bytes(load)), _files(load, machine, complaints))
        engine.warm = WarmPrefixes(stores, model, context, memory, engine.scheduler.cache)
    return engine


def _shelf_bytes(load: Load) -> int:
    """Return the memory for prefixes that are not in the KV cache."""
    share = psutil.virtual_memory().available // _SHELF_SHARE
    return load.shelf_memory or min(share, _SHELF_BYTES)


def _files(load: Load, machine: Machine, complaints: Complaints) -> CacheFiles | None:
    if load.shelf is None:
        return None
    try:
        which = fingerprint(
            load.path,
            machine.model,
            machine.context,
            kv_type=load.kv_type,
            flash_attention=load.flash_attention,
        )
    except OSError as error:
        complaints.warn(f"No warm prefixes are kept on the disk: {error}")
        return None
    bounds = Bounds(load.shelf.limit, load.shelf.spare)
    return CacheFiles(Path(load.shelf.directory), which, bounds, complaints.warn)


def _slots(load: Load, model: Model) -> int:
    """Return the sequence ids: those that run, those that are parked, and one to move with."""
    parked = load.prefixes
    if model.is_recurrent or model.is_hybrid:
        # each id costs a state, allocated up front
        parked = min(parked, _PARKED_STATES)
    return min(load.parallel + parked + 1, _MOST_SLOTS)


def _shape(load: Load, model: Model, kv_tokens: int, threads: int) -> ContextShape:
    return ContextShape(
        tokens=kv_tokens,
        sequences=_slots(load, model),
        batch=load.batch,
        micro_batch=min(load.batch, MICRO_BATCH),
        threads=threads,
        prefill_threads=load.prefill_threads,
        # llama.cpp wants room for a row of each sequence id, though few ask for one at a time
        outputs=max(load.parallel + load.drafting.rows, _slots(load, model)),
        kv_type=load.kv_type,
        flash_attention=load.flash_attention,
    )


def _kv_tokens(load: Load, model: Model, context_length: int) -> int:
    """Return the cells to allocate: a full context for each sequence, within a share of the free
    memory.
    """
    wanted = load.kv_tokens or context_length * load.parallel
    if not load.kv_tokens:
        affordable = (
            psutil.virtual_memory().available
            // _KV_SHARE
            // max(1, model.kv_bytes_per_token(load.kv_type))
        )
        wanted = min(wanted, affordable)
    # llama.cpp rounds the cache up to multiples of 256 anyway
    return -(-max(wanted, context_length) // 256) * 256


def _ready(
    load: Load, model: Model, context_length: int, kv_tokens: int, media: Media | None
) -> Ready:
    names = devices()
    return Ready(
        context_length=context_length,
        parallel=load.parallel,
        kv_tokens=kv_tokens,
        gpu_layers=0 if not names else model.layers + 1 if load.gpu_layers < 0 else load.gpu_layers,
        device=" + ".join(names) if names and load.gpu_layers else "CPU",
        weights=model.size,
        kv_cache=kv_tokens * model.kv_bytes_per_token(load.kv_type),
        embedding_width=model.width,
        has_chat_template=model.chat_template() is not None,
        vision=media is not None and media.projector.sees,
        audio=media is not None and media.projector.hears,
    )


def usable_cores(quota_file: Path = _CPU_QUOTA) -> int:
    """Return the physical cores that this process may run on: hyper-threads share one, and slow
    llama.cpp down, as do more threads than a container's quota lets run.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = len(affinity(0)) if affinity else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = quota_file.read_text().split()
        allowed = min(allowed, max(1, int(quota) // int(period)))
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))


def load_fault(path: str, errors: list[str], *, loaded: bool = False) -> LlmdError:
    """Name the cause that llama.cpp's error lines tell of; `loaded`: the weights came through, the
    context did not.
    """
    text = "\n".join(errors).lower()
    last = errors[-1] if errors else "no reason was given"
    if "unknown model architecture" in text:
        return UnsupportedArchitecture(
            f"llama.cpp cannot run {path}: {last}", hint="A newer llmd may know this architecture."
        )
    if "alloc" in text or "out of memory" in text or loaded:
        return NoRoom(
            f"There is not enough memory for {path}: {last}",
            hint="Unload another model, or lower engine.context_length or engine.parallel.",
        )
    if any(
        word in text
        for word in ("magic", "not within", "corrupt", "truncated", "missing tensor", "gguf")
    ):
        return CorruptFile(f"{path} is damaged: {last}", hint="Remove the model and pull it again.")
    return LoadFailed(
        f"llama.cpp could not load {path}: {last}", hint="`llmd logs` shows what it said."
    )
