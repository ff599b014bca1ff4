"""Drafts with a model's own prediction layer (multi-token prediction, DeepSeek-V3 2024).

The layer reads the token at a position together with the target's last hidden state before it, and
says what comes after that token. It has a KV cache of its own, which must hold what it read for all
positions before. So the hidden states of every decode call are kept here until they are needed: at
the next draft, or when they become many. A draft goes on from the layer's own hidden states.

States are kept for tokens that are part of the text only, so nothing has to be taken back but the
cells of drafts. Where they are missing (a prefix that came from the cache) the layer begins behind
them; it then knows less, and is right less often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from llmd.engine.bindings import Batch, Context, Floats
from llmd.engine.bindings.prediction import HiddenBatch, hidden, show_hidden
from llmd.engine.drafting.drafter import Draft, Trust
from llmd.engine.drafting.greedy import likeliest

_HELD = 256
"""Hidden states of one text that are kept before the layer reads them."""
_NEVER = -1


@dataclass(slots=True)
class _Text:
    """One text.

    `tokens` and `states` stand for the positions from `start` on, all of them decoded and part of
    the text. The layer has read positions from `first` to `read`, the latter exclusive.
    """

    slot: int
    length: int
    last: int = _NEVER
    """The token that is not decoded yet."""
    start: int = 0
    first: int = 1
    read: int = 1
    tokens: list[int] = field(default_factory=list)
    states: list[Floats] = field(default_factory=list)
    draft: list[int] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The position behind the states."""
        return self.start + len(self.tokens)

    @property
    def ready(self) -> bool:
        """Whether all but the last token is here."""
        return bool(self.tokens) and self.last != _NEVER and self.end == self.length - 1

    def take(self, position: int, tokens: Sequence[int], states: Floats) -> bool:
        """Add what a call has decoded; False when something is missing before it."""
        skipped = self.end - position
        if skipped >= 0:
            self.tokens += tokens[skipped:]
            self.states += list(states[skipped:].copy())
            return True
        self.start, self.first, self.read = position, position + 1, position + 1
        self.tokens, self.states = list(tokens), list(states.copy())
        return False

    def cut(self, end: int) -> None:
        """Drop what stands from this position on: drafted tokens that were wrong."""
        if end < self.end:
            del self.tokens[end - self.start :]
            del self.states[end - self.start :]

    def forget_read(self) -> None:
        """Drop states that are not needed any more."""
        # the last pair may be read again, for a draft that was not used
        done = min(self.read - 2, self.end) - self.start
        if done > 0:
            del self.tokens[:done]
            del self.states[:done]
            self.start += done


class PredictionLayer:
    """The `Drafter` that asks the target's own layer, which runs in `context`."""

    def __init__(self, target: Context, context: Context, *, sequences: int, batch: int) -> None:
        self._target = target
        self._context = context
        show_hidden(target, outputs_only=False)
        show_hidden(context, outputs_only=True)
        self._capacity = batch
        self._batch: HiddenBatch | None = None
        self._free = list(range(sequences - 1, -1, -1))
        self._texts: dict[int, _Text] = {}

    def start(self, sequence: int, tokens: Sequence[int], prediction: Sequence[int] = ()) -> None:
        """Follow a text of which nothing is decoded yet, but what came from a cache."""
        del prediction
        self.stop(sequence)
        if self._free:
            self._texts[sequence] = _Text(self._free.pop(), len(tokens))

    def decoded(self, batch: Batch, count: int, owners: Mapping[int, int]) -> None:
        """Keep the hidden states of the texts that are followed."""
        if not self._texts:
            return
        states = hidden(self._target, count)
        slots = batch.sequences[:count]
        begins = np.flatnonzero(np.diff(slots, prepend=-1)).tolist()
        for begin, end in zip(begins, [*begins[1:], count], strict=True):
            text = self._texts.get(owners.get(int(slots[begin]), _NEVER))
            if text is None:
                continue
            if len(text.tokens) > _HELD:
                self._read_all(text)
            position = int(batch.positions[begin])
            if not text.take(position, batch.tokens[begin:end].tolist(), states[begin:end]):
                self._context.remove(text.slot)

    def observe(self, sequence: int, tokens: Sequence[int]) -> None:
        """Learn which tokens are part of the text."""
        text = self._texts.get(sequence)
        if text is None or not tokens:
            return
        text.length += len(tokens)
        text.last = tokens[-1]
        text.cut(text.length - 1)

    def stop(self, sequence: int) -> None:
        """Free the cells."""
        text = self._texts.pop(sequence, None)
        if text:
            self._context.remove(text.slot)
            self._free.append(text.slot)

    def close(self) -> None:
        """Free the context; the weights are the target's."""
        self._context.close()

    def propose(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        """Return what the layer says comes next."""
        texts = {
            sequence: self._texts[sequence]
            for sequence, limit in wanted.items()
            if limit > 0 and sequence in self._texts and self._prepare(self._texts[sequence], limit)
        }
        ready = list(texts)[: self._capacity]
        states = [texts[sequence].states[-1] for sequence in ready]
        while ready:
            if not self._decode([texts[sequence] for sequence in ready], states):
                break
            logits = self._context.logits(len(ready))
            states = list(hidden(self._context, len(ready)).copy())
            kept = [
                index
                for index, sequence in enumerate(ready)
                if _add(texts[sequence], logits[index])
                and len(texts[sequence].draft) < wanted[sequence]
            ]
            ready, states = [ready[i] for i in kept], [states[i] for i in kept]
        return self._drafts(texts)

    def _prepare(self, text: _Text, limit: int) -> bool:
        """Have everything read but the last token; False when that cannot be."""
        if not text.ready or text.length + limit > self._context.tokens:
            return False
        if text.read >= text.length:
            self._context.remove(text.slot, text.length - 1, -1)
            text.read = text.length - 1
        return self._read_all(text) and text.read == text.length - 1

    def _read_all(self, text: _Text) -> bool:
        """Have the layer read the states that are here."""
        while text.read < text.end:
            end = min(text.end, text.read + self._capacity)
            at = slice(text.read - text.start, end - text.start)
            before = slice(at.start - 1, at.stop - 1)
            batch = self._filled(len(text.tokens[at]), text.states[before])
            count = batch.fill(0, text.tokens[at], text.read, text.slot)
            if self._context.decode(batch, count):
                self._forget()
                return False
            text.read = end
        text.forget_read()
        return True

    def _filled(self, count: int, states: Sequence[Floats]) -> HiddenBatch:
        if self._batch is None:
            self._batch = HiddenBatch(self._capacity, len(states[0]))
        self._batch.hidden[:count] = states
        return self._batch

    def _decode(self, texts: list[_Text], states: list[Floats]) -> bool:
        """Have the layer read the last token of each text, or of its draft."""
        batch = self._filled(len(texts), states)
        end = 0
        for text in texts:
            position = text.length - 1 + len(text.draft)
            token = text.draft[-1] if text.draft else text.last
            end = batch.fill(end, [token], position, text.slot)
        batch.outputs[:end] = 1
        if self._context.decode(batch, end):
            self._forget()
            return False
        for text in texts:
            text.read = max(text.read, text.length)
        return True

    def _drafts(self, texts: Mapping[int, _Text]) -> dict[int, Draft]:
        """Take the drafts from their texts, and their cells from the cache."""
        drafts = {}
        for sequence, text in texts.items():
            if text.draft:
                drafts[sequence] = Draft(text.draft, Trust.MODEL)
                self._context.remove(text.slot, text.length, -1)
                text.draft = []
        return drafts

    def _forget(self) -> None:
        """The cache is full, or the call failed: all texts begin anew where they stand."""
        self._context.clear()
        for text in self._texts.values():
            text.start, text.tokens, text.states = text.end, [], []
            text.first = text.read = text.start + 1


def _add(text: _Text, row: Floats) -> bool:
    """Add the likeliest token to the draft; False when it is too unlikely."""
    token = likeliest(row)
    if token is not None:
        text.draft.append(token)
    return token is not None
