"""Drafts with a second, smaller model of the same vocabulary.

It has a context of its own, with a sequence for each text. What the target really said is decoded
into it only when a draft is wanted: the tokens since last time in one call, for all texts together,
then one call for each further place of the drafts. Tokens that it drafted and the target took are
in its cache already. It drafts greedily and stops where it is unsure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmd.engine.bindings import Batch, Context, Floats, Model, Vocab
from llmd.engine.drafting.drafter import Draft, Trust
from llmd.engine.drafting.greedy import likeliest
from llmd.errors import ConfigInvalid

_MAX_SIZE_DIFFERENCE = 128
_FIRST_COMPARED = 5


def check_vocabularies(target: Vocab, draft: Vocab) -> None:
    """Raise ConfigInvalid unless the two mean the same by the same tokens.

    The rules are llama.cpp's (common/speculative.cpp): the same kind, begin and end tokens, sizes
    that differ by padding at most, and the same texts but for the first few special ones.
    """
    reason = _difference(target, draft)
    if reason:
        raise ConfigInvalid(
            f"The draft model does not fit this model: {reason}.",
            hint="Use a smaller model of the same family, or unset speculation.draft_model.",
            param="speculation.draft_model",
        )


def _difference(target: Vocab, draft: Vocab) -> str:
    if target.kind != draft.kind:
        return "their tokenizers are of different kinds"
    if (target.adds_bos, target.adds_bos and target.bos) != (
        draft.adds_bos,
        draft.adds_bos and draft.bos,
    ):
        return "texts begin with different tokens"
    if (target.adds_eos, target.adds_eos and target.eos) != (
        draft.adds_eos,
        draft.adds_eos and draft.eos,
    ):
        return "texts end with different tokens"
    if abs(target.size - draft.size) > _MAX_SIZE_DIFFERENCE:
        return f"their vocabularies have {target.size} and {draft.size} tokens"
    for token in range(_FIRST_COMPARED, min(target.size, draft.size)):
        one, other = target.text(token), draft.text(token)
        if one != other:
            return f"token {token} is {one!r} in one and {other!r} in the other"
    return ""


@dataclass(slots=True)
class _Text:
    """One text: of `tokens`, the first `cached` are in the draft model's cache, and behind them
    `ahead`, which it drafted.
    """

    slot: int
    tokens: list[int]
    cached: int = 0
    ahead: list[int] = field(default_factory=list)
    draft: list[int] = field(default_factory=list)
    """What the call under way has drafted."""

    @property
    def missing(self) -> int:
        """Tokens that are not in the cache."""
        return len(self.tokens) - self.cached


class DraftModel:
    """The `Drafter` that asks a small model; `size` is the target's vocabulary."""

    def __init__(
        self, model: Model, context: Context, *, sequences: int, batch: int, size: int
    ) -> None:
        self._model = model
        self._context = context
        self._batch = Batch(batch)
        self._room = batch
        self._known = min(size, model.vocab.size)
        self._free = list(range(sequences - 1, -1, -1))
        self._texts: dict[int, _Text] = {}

    def start(self, sequence: int, tokens: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Follow a text, unless it holds what this model cannot read (images, padding tokens)."""
        del prediction
        self.stop(sequence)
        readable = tokens and min(tokens) >= 0 and max(tokens) < self._known
        if readable and self._free:
            self._texts[sequence] = _Text(self._free.pop(), list(tokens))

    def observe(self, sequence: int, tokens: Sequence[int]) -> None:
        """Add to the text."""
        text = self._texts.get(sequence)
        if text is None:
            return
        if max(tokens, default=0) < self._known:
            text.tokens += tokens
        else:
            self.stop(sequence)

    def stop(self, sequence: int) -> None:
        """Free the cells."""
        text = self._texts.pop(sequence, None)
        if text:
            self._context.remove(text.slot)
            self._free.append(text.slot)

    def decoded(self, batch: Batch, count: int, owners: Mapping[int, int]) -> None:
        """What the target does inside is no concern of this one."""

    def close(self) -> None:
        """Free the context and the weights."""
        self._context.close()
        self._model.close()

    def propose(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        """Return what the model would say. A text whose prompt is still being read gets no draft:
        each call reads a batch of it.
        """
        texts = {
            sequence: self._texts[sequence]
            for sequence, limit in wanted.items()
            if limit > 0 and sequence in self._texts and self._fits(self._texts[sequence], limit)
        }
        ready = self._catch_up(texts)
        while ready:
            rows = self._context.logits(len(ready))
            ready = [
                sequence
                for sequence, row in zip(ready, rows, strict=True)
                if self._take(texts[sequence], row)
                and len(texts[sequence].draft) < wanted[sequence]
            ]
            if not ready or not self._decode_ahead([texts[sequence] for sequence in ready]):
                break
        drafts = {sequence: Draft(text.draft, Trust.MODEL) for sequence, text in texts.items()}
        for text in texts.values():
            text.draft = []
        return {sequence: draft for sequence, draft in drafts.items() if draft}

    def _fits(self, text: _Text, limit: int) -> bool:
        return len(text.tokens) + limit <= self._context.tokens

    def _catch_up(self, texts: Mapping[int, _Text]) -> list[int]:
        """Decode what the texts have gone on with; return those that are complete, in the order of
        their rows of logits.
        """
        end, ready = 0, []
        for text in texts.values():
            self._rewind(text)
        # a long prompt must not keep the others from their drafts
        for sequence, text in sorted(texts.items(), key=lambda item: item[1].missing):
            count = min(text.missing, self._room - end)
            if count <= 0:
                continue
            begin, text.cached = text.cached, text.cached + count
            end = self._batch.fill(end, text.tokens[begin : text.cached], begin, text.slot)
            if text.cached == len(text.tokens):
                self._batch.outputs[end - 1] = 1
                ready.append(sequence)
        if end and self._context.decode(self._batch, end):
            self._forget()
            return []
        return ready

    def _rewind(self, text: _Text) -> None:
        """Make the cache a prefix of the text that lacks its last token at least."""
        held = text.cached + len(text.ahead)
        for token in text.ahead:
            if text.cached >= len(text.tokens) - 1 or text.tokens[text.cached] != token:
                break
            text.cached += 1
        text.cached = min(text.cached, len(text.tokens) - 1)
        text.ahead = []
        if text.cached < held and not self._context.remove(text.slot, text.cached, -1):
            # a recurrent state cannot go back
            self._context.remove(text.slot)
            text.cached = 0

    def _take(self, text: _Text, row: Floats) -> bool:
        """Add the likeliest token to the draft; False when it is too unlikely."""
        token = likeliest(row[: self._known])
        if token is None:
            return False
        text.draft.append(token)
        return True

    def _decode_ahead(self, texts: list[_Text]) -> bool:
        """Decode the last drafted token of each text."""
        end = 0
        for text in texts:
            position = text.cached + len(text.ahead)
            end = self._batch.fill(end, text.draft[-1:], position, text.slot)
            text.ahead.append(text.draft[-1])
        self._batch.outputs[:end] = 1
        if self._context.decode(self._batch, end):
            self._forget()
            return False
        return True

    def _forget(self) -> None:
        """The cache is full, or the call failed: begin anew, without the longest text."""
        self._context.clear()
        for text in self._texts.values():
            text.cached = 0
            text.ahead = []
        longest = max(self._texts, key=lambda sequence: len(self._texts[sequence].tokens))
        self.stop(longest)
