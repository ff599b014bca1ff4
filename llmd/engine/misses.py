"""Why the prefix cache held no more of a prompt, in words a person can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence as Tokens
from typing import Protocol

from llmd.engine.sequence import Divergence, Sequence
from llmd.protocol.events import CacheMiss, MissKind

_MOST = 60
# a miss of fewer tokens costs nobody anything
_WORTH_TELLING = 32
_TIME = re.compile(
    r"\d{1,2}:\d{2}|\d{4}-\d{1,2}|\d{1,2}[./]\d{1,2}|\b(?:19|20)\d{2}\b"
    r"|\b(?:Mon|Tues?|Wed(?:nes)?|Thurs?|Fri|Sat(?:ur)?|Sun)(?:day)?\b"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b"
)


class Pieces(Protocol):
    """What is needed of a vocabulary."""

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of one token."""


def told(sequence: Sequence, vocab: Pieces) -> CacheMiss | None:
    """Explain what a sequence missed; None when nothing worth telling was."""
    miss, reused = sequence.miss, sequence.reused or 0
    if miss is None or sequence.prompt_tokens - reused < _WORTH_TELLING:
        return None
    if miss.cold:
        return CacheMiss(MissKind.COLD, 0)
    if miss.evicted:
        return CacheMiss(MissKind.EVICTED, miss.position, evicted_tokens=miss.evicted)
    ours = _text(sequence.tokens[miss.position : miss.position + len(miss.other)], vocab)
    theirs = _text(miss.other, vocab)
    kind = _kind(sequence, miss, ours, theirs, vocab)
    return CacheMiss(kind, miss.position, ours[:_MOST], theirs[:_MOST])


def _kind(sequence: Sequence, miss: Divergence, ours: str, theirs: str, vocab: Pieces) -> MissKind:
    start = _text(sequence.tokens[max(0, miss.position - 8) : miss.position], vocab)
    if _TIME.search(start[-8:] + ours) and _TIME.search(start[-8:] + theirs):
        return MissKind.TIME
    outline = sequence.outline
    if outline is None:
        return MissKind.PROMPT
    place = len(_text(sequence.tokens[: miss.position], vocab))
    if outline.tools_start <= place < outline.tools_end:
        return MissKind.TOOLS
    return MissKind.SYSTEM if place < outline.system_end else MissKind.MESSAGES


def _text(tokens: Tokens[int], vocab: Pieces) -> str:
    raw = b"".join(vocab.piece(token, special=True) for token in tokens if token >= 0)
    return raw.decode("utf-8", "replace")
