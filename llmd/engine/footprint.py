"""What llama.cpp says it allocated, read from its log.

There is an interface for it (llama_get_memory_breakdown), but it returns a C++ map, which nothing
but C++ can read; the lines of the log have been the same for years, and a test holds them to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from enum import StrEnum

_LINE = re.compile(
    r"(?P<buffer>\S+)\s+(?P<kind>model|KV|RS|state|compute|output) buffer size =\s*(?P<size>[\d.]+)"
)
_PROJECTOR = re.compile(r"model size:\s+(?P<size>[\d.]+) MiB")
_MIB = 2**20


class Section(StrEnum):
    """What is being loaded."""

    MODEL = "model"
    DRAFT = "draft"
    PROJECTOR = "projector"
    LATER = "later"
    """All that comes and goes while the model serves."""


class Footprint:
    """Adds up buffers by section, kind and the name ggml has for the buffer, such as `CPU_REPACK`
    or `CUDA0`.
    """

    def __init__(self) -> None:
        self.section = Section.MODEL
        self._sizes: defaultdict[tuple[Section, str, str], int] = defaultdict(int)

    def take(self, line: str) -> None:
        """Learn from one line."""
        if self.section is Section.LATER:
            return
        found = _LINE.search(line)
        if found:
            self._add(found["kind"], found["buffer"], found["size"])
        elif self.section is Section.PROJECTOR and (found := _PROJECTOR.search(line)):
            self._add("model", "", found["size"])

    def give_back(self, kind: str) -> None:
        """Leave out the buffers of one kind that this section has so far."""
        for key in [key for key in self._sizes if key[:2] == (self.section, kind)]:
            del self._sizes[key]

    def sizes(self, section: Section, *kinds: str) -> dict[str, int]:
        """Return bytes by buffer; the kinds are `model`, `KV`, `RS`, `state`, `compute` and
        `output`, no kind: all.
        """
        found: defaultdict[str, int] = defaultdict(int)
        for (at, kind, buffer), size in self._sizes.items():
            if at is section and (not kinds or kind in kinds):
                found[buffer] += size
        return dict(found)

    def total(self, section: Section, *kinds: str) -> int:
        """Return the bytes of all buffers."""
        return sum(self.sizes(section, *kinds).values())

    def _add(self, kind: str, buffer: str, size: str) -> None:
        key, bytes_ = (self.section, kind, buffer), round(float(size) * _MIB)
        # one context says so each time it plans its graphs anew; caches and files have several
        # buffers of one name
        renewed = kind in {"compute", "output"}
        self._sizes[key] = bytes_ if renewed else self._sizes[key] + bytes_
