"""What the step loop asks for drafts: who may speculate, which drafter, how many tokens, and what
came of it.

In each step: `drafts` before the batch is written, `decoded` after the call, `settle` for every
sequence that got tokens, `measured` once the call is timed. Lookups cost nothing, so they are made
first; a model drafts what is left, as much as the budget grants. Pure: the clock is passed in,
drafters are what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from llmd.engine.bindings import Batch
from llmd.engine.drafting.budget import Budget, Wish
from llmd.engine.drafting.drafter import Draft, Drafter, Trust
from llmd.engine.drafting.pace import PROBE, Rates, Rest
from llmd.protocol.models import Drafting
from llmd.protocol.requests import Speculation

_NONE = Draft([], Trust.GUESS)
_LEARNT = 0.2
"""Share of a new measurement in what a token of a model's draft costs."""


@dataclass(slots=True)
class _Text:
    """One sequence that may speculate."""

    lookup: bool
    model: bool
    longest: int
    rates: Rates
    rests: dict[Trust, Rest] = field(default_factory=lambda: {trust: Rest() for trust in Trust})
    draft: Draft = _NONE
    """What the current step carries for it."""


class Speculator:
    """All drafting of one loaded model: within the bounds of `drafting`, whose mode `auto` requests
    get; `kind` is what `model` is, draft or mtp.
    """

    def __init__(
        self,
        lookup: Drafter,
        model: Drafter | None,
        drafting: Drafting,
        clock: Callable[[], float],
        kind: str = "draft",
    ) -> None:
        self.budget = Budget(drafting.rows)
        self._longest = drafting.longest
        self._mode = drafting.mode
        self._lookup = lookup
        self._model = model
        self._clock = clock
        self.modes = frozenset({"auto", "off", "ngram", *([kind] if model else [])})
        """What requests may ask for."""
        self._rates = Rates()
        self._texts: dict[int, _Text] = {}
        self._price = 0.0

    def start(
        self,
        sequence: int,
        tokens: Sequence[int],
        wish: Speculation,
        prediction: Sequence[int] = (),
    ) -> None:
        """Follow a sequence whose text so far is `tokens`, before its prompt is read at best;
        nothing happens where it wants no drafts, or is followed already.
        """
        if sequence in self._texts:
            return
        longest = self._longest if wish.longest is None else min(wish.longest, self._longest)
        mode = self._mode if wish.mode == "auto" else wish.mode
        has_model = self._model is not None and mode in self.modes - {"ngram", "off"}
        has_lookup = mode in {"auto", "ngram"}
        if longest <= 0 or not (has_model or has_lookup):
            return
        self._texts[sequence] = _Text(has_lookup, has_model, longest, Rates(self._rates))
        if has_lookup:
            self._lookup.start(sequence, tokens, prediction)
        if has_model and self._model:
            self._model.start(sequence, tokens)

    def restart(self, sequence: int, tokens: Sequence[int]) -> None:
        """Take the text of a sequence anew, after a context shift."""
        text = self._texts.get(sequence)
        if text and text.lookup:
            self._lookup.start(sequence, tokens)
        if text and text.model and self._model:
            self._model.stop(sequence)
            self._model.start(sequence, tokens)

    def stop(self, sequence: int) -> None:
        """Forget a sequence."""
        if self._texts.pop(sequence, None):
            self._lookup.stop(sequence)
            if self._model:
                self._model.stop(sequence)

    def close(self) -> None:
        """Free what the drafters hold."""
        self._lookup.close()
        if self._model:
            self._model.close()

    @property
    def following(self) -> bool:
        """Whether any sequence may speculate."""
        return bool(self._texts)

    def drafts(self, room: Mapping[int, int], rows: int) -> dict[int, list[int]]:
        """Return the tokens to check in the next decode call.

        `room` has every decoding sequence with the most tokens it could take besides its next one;
        `rows` is what the call carries anyway, their one row each and prompts together.
        """
        wanted = {
            sequence: min(text.longest, most)
            for sequence, most in room.items()
            if most > 0 and (text := self._texts.get(sequence))
        }
        if not wanted or not self.budget.opens(len(room), rows, max(wanted.values())):
            return {}
        found = self._look_up(wanted)
        asked = {
            sequence: most
            for sequence, most in wanted.items()
            if self._texts[sequence].model and found.get(sequence, _NONE).trust < Trust.STRONG
        }
        granted = self._grant(found, asked, len(room), rows)
        drafts = {
            sequence: Draft(found[sequence].tokens[:count], found[sequence].trust)
            for sequence, count in granted.items()
            if sequence not in asked
        }
        drafts |= self._ask(
            {sequence: granted[sequence] for sequence in asked if sequence in granted}
        )
        for sequence, draft in drafts.items():
            self._texts[sequence].draft = draft
        return {sequence: draft.tokens for sequence, draft in drafts.items()}

    def decoded(self, batch: Batch, count: int, owners: Mapping[int, int]) -> None:
        """Look at what a call has decoded, see `Drafter.decoded`; before anything is settled."""
        if self._model:
            self._model.decoded(batch, count, owners)

    def settle(self, sequence: int, tokens: Sequence[int], drafted: int) -> int:
        """Take the tokens a sequence has gone on with in a call that really carried the first
        `drafted` tokens of its draft; return how many of those were right.
        """
        text = self._texts.get(sequence)
        if text is None:
            return 0
        draft, text.draft = text.draft, _NONE
        accepted = _agreement(draft.tokens[:drafted], tokens)
        if drafted and draft:
            # a text that ends within its draft says nothing about the rest of it
            tried = drafted if len(tokens) > accepted else accepted
            text.rates.learn(draft.trust, tried, accepted)
        if text.lookup:
            self._lookup.observe(sequence, tokens)
        if text.model and self._model:
            self._model.observe(sequence, tokens)
        return accepted

    def measured(self, rows: int, seconds: float) -> None:
        """Take the seconds that a decode call of so many rows took."""
        self.budget.cost.observe(rows, seconds)

    def _look_up(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        return self._lookup.propose(
            {sequence: most for sequence, most in wanted.items() if self._texts[sequence].lookup}
        )

    def _grant(
        self,
        found: Mapping[int, Draft],
        asked: Mapping[int, int],
        sequences: int,
        rows: int,
    ) -> dict[int, int]:
        """Return how many tokens each sequence may draft, those with none left out."""
        trusts = {s: Trust.MODEL if s in asked else found[s].trust for s in {**asked, **found}}
        wishes = {
            sequence: self._wish(sequence, trust, found, asked)
            for sequence, trust in trusts.items()
        }
        lengths = self.budget.allot(list(wishes.values()), sequences, rows)
        granted = {s: length for s, length in zip(wishes, lengths, strict=True) if length}
        left = self.budget.most - sum(lengths)
        if not self.budget.opens(sequences, rows, PROBE):
            left = 0
        for sequence, wish in wishes.items():
            rest = self._texts[sequence].rests[trusts[sequence]]
            if sequence in granted:
                rest.end()
            elif rest.refuse() and left >= PROBE:
                granted[sequence] = min(PROBE, len(wish.chances))
                left -= PROBE
        return granted

    def _wish(
        self,
        sequence: int,
        trust: Trust,
        found: Mapping[int, Draft],
        asked: Mapping[int, int],
    ) -> Wish:
        is_asked = sequence in asked
        length = asked[sequence] if is_asked else len(found[sequence].tokens)
        chances = self._texts[sequence].rates.curve(trust, length)
        return Wish(chances, self._price if is_asked else 0.0)

    def _ask(self, lengths: Mapping[int, int]) -> dict[int, Draft]:
        if not lengths or self._model is None:
            return {}
        started = self._clock()
        drafts = self._model.propose(lengths)
        count = sum(len(draft.tokens) for draft in drafts.values())
        if count:
            price = (self._clock() - started) / count
            self._price += (price - self._price) * (_LEARNT if self._price else 1)
        return drafts


def _agreement(draft: Sequence[int], tokens: Sequence[int]) -> int:
    """Return how many tokens both begin with."""
    count = 0
    for drafted, real in zip(draft, tokens, strict=False):
        if drafted != real:
            break
        count += 1
    return count
