"""Prompt lookup (Saxena 2023): what followed the latest tokens when they last stood in the text.

Positions are found as LZ77 compressors find them: the hash of the last `_KEY` tokens leads to the
latest place with that hash, and from there to earlier ones; the place that agrees furthest back
wins. A draft is what follows there, read on into itself where the text ends (loops). While an
answer copies, the place is followed even across changed tokens: an edit rarely moves the rest.

Memory is bounded: 12 to 16 bytes a token. A prompt is indexed by NumPy at once (10 ms for 100,000
tokens), each further token in a few microseconds, and only once a draft is asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from operator import mul

import numpy as np

from llmd.engine.bindings import Batch
from llmd.engine.drafting.drafter import Draft, Trust

_FACTORS = (0x9E3779B1, 0x85EBCA6B)
"""What the tokens of a key are multiplied by before they are added up."""
_KEY = len(_FACTORS)
_CANDIDATES = 16
_MATCH = 32
"""Agreement beyond this says nothing more."""
_WINDOW = 48
"""Tokens around a broken copy in which its continuation is looked for."""
_PATIENCE = 16
"""Changed tokens in a row after which a copy counts as over."""
_FEWEST_BITS = 10

_BREAK = -1  # stands between a prediction and the text; no token, so no match reaches across it
_WORD = 0xFFFF_FFFF

_FAIR, _STRONG = 6, 12


class NgramIndex:
    """One text and where its n-grams stand."""

    def __init__(self, tokens: Sequence[int], prediction: Sequence[int] = ()) -> None:
        self._prediction = [*prediction, _BREAK] if prediction else []
        self.reset(tokens)

    def __len__(self) -> int:
        return len(self._tokens) - len(self._prediction) + len(self._pending)

    def reset(self, tokens: Sequence[int]) -> None:
        """Begin anew with another text, as after a context shift; the prediction stays."""
        self._tokens = array("i", self._prediction)
        self._tokens.extend(tokens)
        self._pending: list[int] = []
        self._index()
        # an answer that was predicted is expected to begin as the prediction does
        self._copy = _Copy(0, 0) if self._prediction else None

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens to the text; the work is done when a draft is wanted."""
        self._pending += tokens

    def propose(self, limit: int) -> Draft:
        """Return what may follow, at most `limit` tokens."""
        for token in self._pending:
            self._follow(token)
            self._append(token)
        self._pending.clear()
        length, place = self._longest()
        copy = self._copy
        if place and (copy is None or length > max(copy.agreed, copy.trusted - copy.missed)):
            self._copy = copy = _Copy(place, length)
        if copy is None:
            return Draft([], Trust.GUESS)
        return Draft(self._read(copy.at, limit), copy.trust)

    def _index(self) -> None:
        """Build the chains: `_heads` has the latest place of a hash, `_earlier` the one before."""
        count = len(self._tokens)
        self._bits = max(_FEWEST_BITS, count.bit_length() + 1)
        self._heads = array("i", bytes(4 << self._bits))
        self._earlier = array("i", bytes(4 * (count + 1)))
        if count < _KEY:
            return
        words = np.frombuffer(self._tokens, np.int32).astype(np.uint32)
        hashes = np.zeros(count - _KEY + 1, np.uint32)
        for offset, factor in enumerate(_FACTORS):
            hashes += words[offset : offset + len(hashes)] * np.uint32(factor)
        hashes >>= np.uint32(32 - self._bits)
        # stable: places with the same hash stay in order
        order = np.argsort(hashes, kind="stable")
        same = hashes[order[1:]] == hashes[order[:-1]]
        places = (order + _KEY).astype(np.int32)
        earlier = np.frombuffer(self._earlier, np.int32)
        earlier[places[1:]] = np.where(same, places[:-1], 0)
        latest = np.append(~same, True)
        np.frombuffer(self._heads, np.int32)[hashes[order[latest]]] = places[latest]

    def _append(self, token: int) -> None:
        self._tokens.append(token)
        self._earlier.append(0)
        count = len(self._tokens)
        if count >= 1 << self._bits:
            self._index()
        elif count >= _KEY:
            slot = self._slot()
            self._earlier[count] = self._heads[slot]
            self._heads[slot] = count

    def _slot(self) -> int:
        mixed: int = sum(map(mul, self._tokens[-_KEY:], _FACTORS))
        return (mixed & _WORD) >> (32 - self._bits)

    def _longest(self) -> tuple[int, int]:
        """Return how far the best earlier place agrees with the end of the text, and that place."""
        tokens, earlier, count = self._tokens, self._earlier, len(self._tokens)
        if count < _KEY:
            return 0, 0
        best, found = _KEY - 1, 0
        place = earlier[count]
        for _ in range(_CANDIDATES):
            if not place or best == _MATCH:
                break
            # the token that would make this match the longer one is the likeliest to differ
            if best < place and tokens[place - 1 - best] == tokens[count - 1 - best]:
                length = self._agreement(place)
                if length > best:
                    best, found = length, place
            place = earlier[place]
        return best, found

    def _agreement(self, place: int) -> int:
        """Return how many tokens before `place` equal those at the end."""
        tokens, count = self._tokens, len(self._tokens)
        length, most = 0, min(_MATCH, place)
        while length < most and tokens[place - 1 - length] == tokens[count - 1 - length]:
            if tokens[place - 1 - length] == _BREAK:
                break
            length += 1
        return length

    def _read(self, place: int, limit: int) -> list[int]:
        """Return what stands from `place` on; beyond the end of the text, the draft itself."""
        read = self._tokens[place : place + limit].tolist()
        period = len(self._tokens) - place
        while period and len(read) < limit:
            read.append(read[len(read) - period])
        # neither a break nor what stands for a piece of an image can be decoded as a token
        end = next((index for index, token in enumerate(read) if token < 0), limit)
        return read[:end]

    def _follow(self, token: int) -> None:
        """Move the place of the current copy past the next token of the text."""
        copy = self._copy
        if copy is None:
            return
        if self._tokens[copy.at] == token:
            copy.hit()
        elif copy.missed >= _PATIENCE:
            self._copy = None
        else:
            copy.miss()
            self._resume(copy, token)
        if copy.at < len(self._prediction) and self._tokens[copy.at] == _BREAK:
            self._copy = None

    def _resume(self, copy: _Copy, token: int) -> None:
        """Go on after the occurrence of `token` that is nearest to where the copy broke; without
        one, the token is taken for a replacement.
        """
        nearby = self._tokens[copy.broken : copy.broken + _WINDOW].tolist()
        if token in nearby:
            copy.at = copy.broken + nearby.index(token) + 1
            copy.agreed = 1
        else:
            copy.at = min(copy.at + 1, len(self._tokens))


class _Copy:
    """The place that the answer is copying from."""

    __slots__ = ("agreed", "at", "broken", "missed", "trusted")

    def __init__(self, at: int, agreed: int) -> None:
        self.at = at
        """The next token is expected to be the one here."""
        self.agreed = agreed
        """Tokens in a row that were as expected."""
        self.trusted = 0
        """How long it had agreed before it broke: a long copy is not given up for a short match."""
        self.missed = 0
        self.broken = at
        """Where it broke."""

    @property
    def trust(self) -> Trust:
        """How far the place is to be believed."""
        if self.agreed < _KEY:
            return Trust.NEAR if self.agreed else Trust.GUESS
        if self.agreed < _FAIR:
            return Trust.WEAK
        return Trust.FAIR if self.agreed < _STRONG else Trust.STRONG

    def hit(self) -> None:
        """One more token was as expected."""
        self.at += 1
        self.agreed += 1
        if self.agreed >= _KEY:
            self.missed = self.trusted = 0

    def miss(self) -> None:
        """One token was another one."""
        if not self.missed:
            self.broken = self.at
            self.trusted = min(self.agreed, _STRONG)
        self.missed += 1
        self.agreed = 0


class NgramDrafter:
    """The `Drafter` that looks texts up in themselves."""

    def __init__(self) -> None:
        self._texts: dict[int, NgramIndex] = {}

    def start(self, sequence: int, tokens: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Index a text."""
        self._texts[sequence] = NgramIndex(tokens, prediction)

    def propose(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        """Return what followed last time."""
        drafts = {
            sequence: self._texts[sequence].propose(limit)
            for sequence, limit in wanted.items()
            if limit > 0 and sequence in self._texts
        }
        return {sequence: draft for sequence, draft in drafts.items() if draft}

    def observe(self, sequence: int, tokens: Sequence[int]) -> None:
        """Add to the text."""
        if sequence in self._texts:
            self._texts[sequence].extend(tokens)

    def decoded(self, batch: Batch, count: int, owners: Mapping[int, int]) -> None:
        """Nothing to do."""

    def stop(self, sequence: int) -> None:
        """Free the index."""
        self._texts.pop(sequence, None)

    def close(self) -> None:
        """Free all of them."""
        self._texts.clear()
