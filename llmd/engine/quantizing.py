"""Reads what llama.cpp's quantiser writes into its log: which tensor it is at, what came of it, and
why it gave up. Pure.

The lines are those of src/llama-quant.cpp; it writes one tensor in two or three pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_TENSOR = re.compile(r"\[ *(\d+)/ *(\d+)\] (.+?) +- \[.*type = +(\w+),")
_SIZE = re.compile(r"size = +[\d.]+ MiB(?: -> +([\d.]+) MiB)?")
_PLAIN = re.compile(r"size = +([\d.]+) MiB")
_WHOLE = re.compile(r"quant size +=\s*([\d.]+) MiB \(([\d.]+) BPW\)")
_FALLBACKS = re.compile(r"(\d+) of \d+ tensor\(s\) required fallback")
_FAILED = re.compile(r"failed to quantize: (.*)")
_MIB = 2**20
_ERROR = 4


@dataclass(frozen=True, slots=True)
class Step:
    """A tensor is being worked on."""

    tensor: int
    """Its number, from 1."""
    tensors: int
    name: str
    done: int
    """Bytes of those before it, in the new file."""


class Narration:
    """What the log told so far; `observe` gets each step."""

    def __init__(self, observe: Callable[[Step], None] | None = None) -> None:
        self._observe = observe
        self._type = ""
        self.done = 0
        """Bytes written."""
        self.size = 0
        """Bytes of all tensors, known at the end."""
        self.bits = 0.0
        """Per weight, known at the end."""
        self.fallbacks = 0
        self.needs_imatrix = False
        self.converted: set[str] = set()
        """Types, in capitals, of tensors that got another one."""
        self.failure = ""
        """What llama.cpp said last when it gave up."""

    def __call__(self, level: int, text: str) -> None:
        """Take one piece of the log."""
        if tensor := _TENSOR.search(text):
            self._step(tensor)
        elif "quant size" in text:
            self._end(text)
        elif sizes := _SIZE.search(text):
            plain = _PLAIN.search(text)
            self.done += round(float(sizes[1] or (plain[1] if plain else 0)) * _MIB)
            if sizes[1]:
                self.converted.add(self._type)
        self._warnings(level, text.strip())

    def _step(self, found: re.Match[str]) -> None:
        self._type = found[4].upper()
        if self._observe:
            self._observe(Step(int(found[1]), int(found[2]), found[3], self.done))

    def _end(self, text: str) -> None:
        if whole := _WHOLE.search(text):
            self.size, self.bits = round(float(whole[1]) * _MIB), float(whole[2])

    def _warnings(self, level: int, text: str) -> None:
        if fallbacks := _FALLBACKS.search(text):
            self.fallbacks = int(fallbacks[1])
        if "require an imatrix" in text or "requires an imatrix" in text:
            self.needs_imatrix = True
        if failed := _FAILED.search(text):
            self.failure = failed[1]
        elif level == _ERROR and text and not self.failure:
            self.failure = text
