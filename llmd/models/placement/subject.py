"""What is to be loaded: the facts of a model, and what comes along with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmd.models.gguf.facts import Facts

_MIB = 2**20
_BASE = 58 * _MIB
"""Interpreter and libraries, measured on x86-64 Linux; 26 MiB of it are shared by all workers."""
_TOKEN = 500
_MERGE = 115
_CELL = 32
_GPU_CONTEXT = 400 * _MIB
"""What a driver keeps on a device for each process, about; earlier loads tell."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What is loaded beside a model, in bytes where it is no facts."""

    draft: Facts | None = None
    draft_merges: int = 0
    projector: int = 0
    """Weights of the projector, and its compute buffer."""
    media_cache: int = 0
    prediction: bool = False
    """Whether prediction layers are loaded."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One model that is to be loaded."""

    name: str
    facts: Facts
    merges: int = 0
    """Of its tokenizer."""
    extras: Extras = field(default_factory=Extras)


def process_size(subject: Subject, cells: int) -> int:
    """Return the bytes of main memory that the process takes beside what llama.cpp calls its
    buffers.
    """
    total = _BASE + _vocabulary(subject.facts, subject.merges) + cells * _CELL
    draft = subject.extras.draft
    return total + (_vocabulary(draft, subject.extras.draft_merges) if draft else 0)


def context_size(device: str) -> int:
    """Return the bytes that the process takes of a GPU before there is anything on it."""
    return _GPU_CONTEXT if device.startswith(("CUDA", "ROCm", "MUSA")) else 0


def _vocabulary(facts: Facts, merges: int) -> int:
    return facts.vocabulary * _TOKEN + merges * _MERGE
