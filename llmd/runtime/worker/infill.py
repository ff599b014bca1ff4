"""A prompt with a gap to fill, as code models read it: prefix, suffix, and the gap last (PSM in
Bavarian et al., "Efficient Training of Language Models to Fill in the Middle", 2022).
"""

from __future__ import annotations

from typing import Protocol

from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.requests import InfillPrompt, Overflow

_MARKS = 3
_SUFFIX_SHARE = 4


class Tokenizer(Protocol):
    """What a gap needs of a vocabulary."""

    bos: int
    adds_bos: bool
    infill: tuple[int, int, int]

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Return the tokens of a text."""
        ...


def gap_tokens(
    vocab: Tokenizer, prompt: InfillPrompt, overflow: Overflow, context_length: int
) -> tuple[list[int], int]:
    """Return the tokens to read, and how many were dropped to make them fit.

    Raises InvalidRequest for a model without the tokens for it, ContextOverflow unless `overflow`
    allows to drop what lies farthest from the gap.
    """
    before, between, gap = vocab.infill
    if min(before, between, gap) < 0:
        raise InvalidRequest(
            "This model cannot fill in the middle: its vocabulary has no tokens for it.",
            hint="Leave out suffix, or use a code model such as qwen2.5-coder.",
            param="suffix",
        )
    bos = [vocab.bos] if vocab.adds_bos else []
    prefix = vocab.tokenize(prompt.prefix, add_special=False, parse_special=False)
    suffix = vocab.tokenize(prompt.suffix, add_special=False, parse_special=False)
    room = context_length - len(bos) - _MARKS
    size = len(prefix) + len(suffix)
    if size > room:
        if overflow is Overflow.ERROR:
            needed = size + len(bos) + _MARKS
            raise ContextOverflow(
                f"prompt and suffix have {needed} tokens, but the context of this model holds "
                f"{context_length}.",
                hint='Shorten them, or send "context_overflow": "truncate".',
                param="prompt",
                needed=needed,
                available=context_length,
            )
        # half the context stays free for the answer
        suffix = suffix[: room // 2 // _SUFFIX_SHARE]
        prefix = prefix[max(0, len(prefix) - (room // 2 - len(suffix))) :]
    tokens = [*bos, before, *prefix, between, *suffix, gap]
    return tokens, size - len(prefix) - len(suffix)
