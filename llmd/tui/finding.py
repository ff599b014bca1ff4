"""Finds models by what somebody types: words in any order, of names, abilities, tags, kinds and
states; letters of a name in their order; `<4GB`. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from llmd.config.values import Size
from llmd.protocol.catalog import Fit
from llmd.tui.stock import Item, Place

_LETTERS = 3
"""As many a word needs before its letters may stand apart in a name."""
_STARTS, _INSIDE, _SAID, _LIKE = 8, 6, 3, 1


class Sort(StrEnum):
    """What is shown; each step of a key goes to the next one."""

    ALL = "all"
    HERE = "here"
    CHAT = "chat"
    VISION = "vision"
    AUDIO = "audio"
    TOOLS = "tools"
    REASONING = "reasoning"
    EMBEDDING = "embedding"
    RERANK = "rerank"

    @property
    def next(self) -> Sort:
        """Return the one behind it, the first behind the last."""
        every = list(Sort)
        return every[(every.index(self) + 1) % len(every)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for."""

    words: str = ""
    sort: Sort = Sort.ALL
    fitting: bool = False
    """Whether what is known not to fit this machine stays away."""


def find(items: Sequence[Item], wanted: Wanted) -> list[Item]:
    """Return what has all words, the likeliest first; without words, in the order given."""
    words = wanted.words.casefold().split()
    found = [
        (min((score(item, word) for word in words), default=1), item)
        for item in items
        if _is_of(item, wanted)
    ]
    kept = [(points, item) for points, item in found if points]
    if words:
        kept.sort(key=lambda entry: -entry[0])
    return [item for _, item in kept]


def _is_of(item: Item, wanted: Wanted) -> bool:
    if wanted.fitting and item.fit is Fit.NO:
        return False
    if wanted.sort is Sort.ALL:
        return True
    if wanted.sort is Sort.HERE:
        return item.place is not Place.CATALOGUE or item.job is not None
    return wanted.sort in {*item.abilities, item.kind}


def score(item: Item, word: str) -> int:
    """Return how well one word, in small letters, fits; 0: not at all."""
    if word.startswith("<") and (most := _bytes(word[1:])):
        return int(0 < item.size <= most)
    name = item.name.casefold()
    if name.startswith(word):
        return _STARTS
    if word in name:
        return _INSIDE
    if any(word in text for text in _texts(item)):
        return _SAID
    return _LIKE if len(word) >= _LETTERS and in_order(word, name) else 0


def _texts(item: Item) -> list[str]:
    texts = [item.kind, *item.abilities, item.quantization, item.license, *_states(item)]
    if item.offer:
        texts += [item.offer.description, item.offer.alias, *item.offer.also, *item.offer.tags]
    if item.manifest:
        texts.append(item.manifest.architecture)
    return [text.casefold() for text in texts]


def _states(item: Item) -> list[str]:
    states = ["loaded"] if item.place is Place.MEMORY else []
    states += ["catalogue"] if item.place is Place.CATALOGUE else ["installed", "here"]
    if item.default_for:
        states.append("default")
    if item.pinned:
        states.append("pinned")
    return [*states, "fits"] if item.fit in {Fit.YES, Fit.TIGHT} else states


def in_order(word: str, name: str) -> bool:
    """Whether a name has the letters of a word in their order, not too far from one another."""
    place = start = name.find(word[0])
    for letter in word[1:]:
        place = name.find(letter, place + 1)
        if place < 0:
            return False
    return start >= 0 and place - start < 3 * len(word)


def _bytes(text: str) -> int:
    try:
        return int(Size.parse(text))
    except ValueError:
        return 0
