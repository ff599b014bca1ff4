"""Opens a model file: settles the automatic sizes, loads, and says in our words why llama.cpp
refused.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import psutil

from llmd.engine.adapters import Adapters
from llmd.engine.bindings import (
    Context,
    ContextShape,
    Device,
    Model,
    Place,
    list_devices,
    offloads,
    only_cpu,
    start_backend,
    start_media,
)
from llmd.engine.cache_files import Bounds, CacheFiles, fingerprint
from llmd.engine.drafting import Target, open_speculator, wants_prediction
from llmd.engine.embedding import Embedder
from llmd.engine.filling import MOST
from llmd.engine.footprint import Footprint, Section
from llmd.engine.limits import Limits, Threads, largest_batch
from llmd.engine.memory import memory_for
from llmd.engine.prefix_shelf import PrefixShelf
from llmd.engine.scoring import Scorer
from llmd.engine.step import Engine, Machine
from llmd.engine.vision import MICRO_BATCH, Media, open_media
from llmd.engine.warm_prefixes import Stores, WarmPrefixes
from llmd.errors import CorruptFile, LlmdError, LoadFailed, NoRoom, UnsupportedArchitecture
from llmd.protocol.frames import Load, Ready

_USUAL_CONTEXT = 8192
_KV_SHARE = 4
_PARKED_STATES = 4
_WINDOWS_SHARE = 16
"""The part of the cells of a cache that the windows of parked prefixes may take."""
_SHELF_SHARE = 16
_SHELF_BYTES = 512 * 2**20
_CHECKPOINTS_BYTES = 256 * 2**20
_MOST_SLOTS = 255  # LLAMA_MAX_SEQ, but for the one of rows that fill up a step
CPU_MICRO_BATCH = 256
"""Tokens that CPUs compute together; of more, what lies between two layers leaves their caches."""
_LARGE_VOCABULARY = 65_536
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
    footprint: Footprint = field(default_factory=Footprint)
    """What llama.cpp allocated."""

    def caches(self, load: Load) -> int:
        """Return the bytes that caches beside the KV cache may take."""
        shelf = _shelf_bytes(load) if self.engine and self.engine.warm else 0
        return shelf + (load.senses.cache if self.media and load.senses else 0)


class Complaints:
    """llama.cpp's log: forwards every line, remembers the latest errors, and adds up what it
    allocated.
    """

    def __init__(self, forward: Callable[[str, str], None]) -> None:
        self._forward = forward
        self.footprint = Footprint()
        self.errors: deque[str] = deque(maxlen=20)

    def warn(self, text: str) -> None:
        """Log something of our own."""
        self._forward(_LEVELS[3], text)

    def __call__(self, level: int, text: str) -> None:
        """Take one piece of llama.cpp's log."""
        line = text.strip()
        self.footprint.take(line)
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
    _check_gpus(load)
    model = Model.load(
        load.path,
        gpu_layers=load.gpu_layers,
        progress=progress,
        prediction=wants_prediction(load.drafting),
        place=Place(load.tensor_split, load.cpu_moe, load.mmap, load.mlock),
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
        if context.reads_in_place:
            complaints.footprint.give_back("output")
        target = Target(model, context, shape, load.parallel, load.gpu_layers)
        engine = _engine(load, target, adapters, context_length, complaints)
    scorer = Scorer(model, adapters, threads, load.kv_type) if generates else None
    footprint = complaints.footprint
    if load.embedding:
        _prepare(embedder, footprint)
    ready = _ready(load, model, context_length, kv_tokens, footprint)
    opened = Opened(model, adapters, engine, embedder, scorer, ready, None, footprint)
    if engine and load.senses:
        footprint.section = Section.PROJECTOR
        start_media(complaints)
        opened = _seeing(opened, engine, open_media(load, model, threads, context_length, log))
    footprint.section = Section.LATER
    return opened


def _prepare(embedder: Embedder, footprint: Footprint) -> None:
    embedder.prepare()
    if embedder.is_headless:
        footprint.give_back("output")


def _seeing(opened: Opened, engine: Engine, media: Media) -> Opened:
    engine.projector = media.projector
    sees, hears = media.projector.sees, media.projector.hears
    ready = msgspec.structs.replace(opened.ready, vision=sees, audio=hears)
    return replace(opened, media=media, ready=ready)


def _check_gpus(load: Load) -> None:
    """Raise NoRoom where a GPU is required and there is none (any more)."""
    if load.require_gpu and not any(map(offloads, list_devices())):
        raise NoRoom(
            f"{load.path} is to be loaded on a GPU only, and llama.cpp finds none.",
            hint="Unset placement.require_gpu, or look why the driver does not show it.",
        )


def _engine(
    load: Load, target: Target, adapters: Adapters, context_length: int, complaints: Complaints
) -> Engine:
    model, context = target.model, target.context
    shelf = _shelf_bytes(load)
    saved = 0 if model.has_plain_cache else min(shelf // 2, _CHECKPOINTS_BYTES)
    memory = memory_for(model, context, saved, narrow=not target.shape.full_windows)
    limits = Limits(
        parallel=load.parallel,
        slots=_slots(load, model, target.shape.tokens),
        kv_tokens=context.tokens,
        # behind drafted tokens, a second micro batch may overwrite what a window still needs
        batch=min(load.batch, target.shape.micro_batch) if model.swa_window else load.batch,
        prefill_chunk=load.prefill_chunk,
        max_queue=load.max_queue,
        slowdown=load.slowdown,
    )
    speculator = None
    complaints.footprint.section = Section.DRAFT
    if memory.cuts:
        speculator = open_speculator(
            load.drafting,
            target,
            lambda path: load_fault(path, list(complaints.errors)),
            complaints.warn,
        )
    filler = limits.slots if memory.cuts and _fills(load, model) else -1
    threads = Threads(target.shape.threads, load.prefill_threads or target.shape.threads)
    machine = Machine(model, context, memory, adapters.activate, threads, speculator, filler)
    engine = Engine(machine, limits, context_length)
    if load.prefixes:
        stores = Stores(PrefixShelf(shelf - saved), _files(load, machine, complaints))
        engine.warm = WarmPrefixes(stores, model, context, memory, engine.scheduler.cache)
    return engine


def _shelf_bytes(load: Load) -> int:
    """Return the memory for prefixes that are not in the KV cache, and for checkpoints."""
    if load.shelf_memory is not None:
        return load.shelf_memory
    return min(psutil.virtual_memory().available // _SHELF_SHARE, _SHELF_BYTES)


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


def _slots(load: Load, model: Model, cells: int) -> int:
    """Return the sequence ids: those that run, those that are parked, and one to move with."""
    parked = load.prefixes
    if model.is_recurrent or model.is_hybrid:
        # each id costs a state, allocated up front
        parked = min(parked, _PARKED_STATES)
    elif _is_narrow(load, model):
        # each id costs a window
        parked = min(parked, max(_PARKED_STATES, cells // _WINDOWS_SHARE // model.swa_window))
    return min(load.parallel + parked + 1, _MOST_SLOTS)


def _is_narrow(load: Load, model: Model) -> bool:
    """Whether windowed layers have cells for windows only."""
    return bool(model.swa_window) and not (
        load.full_windows or model.is_recurrent or model.is_hybrid
    )


def _fills(load: Load, model: Model) -> bool:
    """Whether steps may be filled up, which takes a sequence id and helps on CPUs only."""
    return not (model.is_recurrent or model.is_hybrid or _on_gpu(load))


def _on_gpu(load: Load) -> bool:
    return bool(load.gpu_layers) and any(map(offloads, list_devices()))


def _micro_batch(load: Load) -> int:
    return MICRO_BATCH if load.senses or _on_gpu(load) else CPU_MICRO_BATCH


def _shape(load: Load, model: Model, kv_tokens: int, threads: int) -> ContextShape:
    slots, in_place = _slots(load, model, kv_tokens), _in_place(load, model)
    # llama.cpp wants room for a row of each sequence id, though few ask for one at a time
    outputs = max(load.parallel + load.drafting.rows, slots) + MOST
    sequences = slots + _fills(load, model)
    if in_place and model.has_plain_cache:
        # nor would it give back what it makes room for later, when a call has more rows than ids
        sequences = min(max(sequences, outputs), _MOST_SLOTS + 1)
    return ContextShape(
        tokens=kv_tokens,
        sequences=sequences,
        batch=largest_batch(load.batch),
        micro_batch=min(load.batch, _micro_batch(load)),
        threads=threads,
        outputs=outputs,
        kv_type=load.kv_type,
        flash_attention=load.flash_attention,
        full_windows=not _is_narrow(load, model),
        in_place=in_place,
    )


def _in_place(load: Load, model: Model) -> bool:
    """Whether logits may be read where they are computed, and are large enough for that to pay;
    what predicts further tokens wants all rows of a call.
    """
    if wants_prediction(load.drafting) and model.prediction_layers:
        return False
    return model.vocab.size >= _LARGE_VOCABULARY and only_cpu()


def _kv_tokens(load: Load, model: Model, context_length: int) -> int:
    """Return the cells to allocate: those that were planned, or a full context for each sequence
    within a share of the free memory.
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
    load: Load,
    model: Model,
    context_length: int,
    kv_tokens: int,
    footprint: Footprint,
) -> Ready:
    gpus = [device for device in list_devices() if offloads(device)] if load.gpu_layers else []
    return Ready(
        context_length=context_length,
        parallel=load.parallel,
        kv_tokens=kv_tokens,
        gpu_layers=_offloaded(load, model, gpus),
        device=" + ".join(gpu.name for gpu in gpus) or "CPU",
        weights=model.size,
        kv_cache=footprint.total(Section.MODEL, "KV", "RS", "state"),
        embedding_width=model.width,
        has_chat_template=model.chat_template() is not None,
    )


def _offloaded(load: Load, model: Model, gpus: list[Device]) -> int:
    everything = model.layers + 1
    if not gpus:
        return 0
    return everything if load.gpu_layers < 0 else min(load.gpu_layers, everything)


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
