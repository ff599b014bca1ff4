"""Opens a model file: settles the automatic sizes, loads, and says in our words why llama.cpp
refused.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from llmd.engine.bindings import Context, ContextShape, Model, devices, start_backend
from llmd.engine.embedding import Embedder
from llmd.engine.scheduler import Limits
from llmd.engine.step import Engine
from llmd.errors import CorruptFile, LlmdError, LoadFailed, NoRoom, UnsupportedArchitecture
from llmd.protocol.frames import Load, Ready

_USUAL_CONTEXT = 8192
_KV_SHARE = 4
_ERROR = 4
_LEVELS = {1: "debug", 2: "info", 3: "warning", _ERROR: "error", 5: "debug"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model: `engine` generates (None for a pure encoder), `embedder` makes vectors."""

    model: Model
    engine: Engine | None
    embedder: Embedder
    ready: Ready


class Complaints:
    """llama.cpp's log: forwards every line and remembers the latest errors."""

    def __init__(self, forward: Callable[[str, str], None]) -> None:
        self._forward = forward
        self.errors: deque[str] = deque(maxlen=20)

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
    model = Model.load(load.path, gpu_layers=load.gpu_layers, progress=progress)
    if model is None:
        raise load_fault(load.path, list(complaints.errors))
    threads = load.threads or usable_cores()
    context_length = load.context_length or min(model.trained_context, _USUAL_CONTEXT)
    embedder = Embedder(model, min(context_length, model.trained_context), threads)
    generates = model.has_decoder and not load.embedding
    kv_tokens = _kv_tokens(load, model, context_length) if generates else 0
    engine = None
    if generates:
        context = Context.create(model, _shape(load, kv_tokens, threads))
        if context is None:
            raise load_fault(load.path, list(complaints.errors), loaded=True)
        limits = Limits(load.parallel, kv_tokens, load.batch, load.prefill_chunk, load.max_queue)
        engine = Engine(model, context, limits, context_length)
    return Opened(model, engine, embedder, _ready(load, model, context_length, kv_tokens))


def _shape(load: Load, kv_tokens: int, threads: int) -> ContextShape:
    return ContextShape(
        tokens=kv_tokens,
        sequences=load.parallel,
        batch=load.batch,
        micro_batch=min(load.batch, 512),
        threads=threads,
        outputs=load.parallel,
        kv_type=load.kv_type,
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


def _ready(load: Load, model: Model, context_length: int, kv_tokens: int) -> Ready:
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
    )


def usable_cores() -> int:
    """Return the physical cores that this process may run on; hyper-threads share one, and slow
    llama.cpp down.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = len(affinity(0)) if affinity else os.cpu_count() or 1
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
