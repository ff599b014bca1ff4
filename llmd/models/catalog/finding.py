"""Which entries of the catalogue a search means, and whether a model fits. Pure.

Every word must be found somewhere in an entry; entries whose names have it come before those that
mention it in passing. A word matches within others, so that `embed` finds embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmd.errors import InvalidRequest
from llmd.models.catalog.entry import Capability, Entry
from llmd.models.names import near_misses
from llmd.protocol.catalog import Fit
from llmd.protocol.models import Kind

# what a model takes beside its weights: KV cache of a usual context, buffers, the process itself.
# `llmd plan` knows it exactly, from the file; this is for models that are not here yet
_OVERHEAD_SHARE = 1.15
_OVERHEAD = 300_000_000
# of all memory, how much can be freed for a model at best
_REACHABLE = 0.9


def find(
    entries: Iterable[Entry],
    words: Sequence[str] = (),
    *,
    kind: str = "",
    largest: int = 0,
) -> list[Entry]:
    """Return the entries that have all words, the closest first, otherwise in the given order.

    `kind` is a Kind or a Capability; `largest` is a limit for the default quantisation in bytes (0:
    none), which leaves out models of unknown size. Raises InvalidRequest for another kind.
    """
    wanted = check_kind(kind)
    ranked = []
    for entry in entries:
        if wanted and wanted not in {*entry.capabilities, entry.kind}:
            continue
        if largest and not 0 < entry.size <= largest:
            continue
        ranks = [_rank(entry, word.casefold()) for word in words if word]
        if None not in ranks:
            ranked.append((sum(rank for rank in ranks if rank is not None), entry))
    ranked.sort(key=lambda pair: pair[0])
    return [entry for _, entry in ranked]


def _rank(entry: Entry, word: str) -> int | None:
    """Return how far from the entry's name a word stands; None: nowhere in it."""
    names = [entry.alias, *entry.also]
    if word in names:
        return 0
    if any(name.startswith(word) for name in names):
        return 1
    if any(word in name for name in [*names, entry.source.casefold()]):
        return 2
    facts = [*entry.tags, *entry.capabilities, entry.license, entry.description]
    return 3 if any(word in fact.casefold() for fact in facts) else None


def check_kind(kind: str) -> str:
    """Return a kind or capability in lower case, or raise InvalidRequest."""
    known = list(dict.fromkeys([*Kind, *Capability]))
    wanted = kind.casefold()
    if wanted and wanted not in known:
        near = near_misses(wanted, known, limit=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise InvalidRequest(
            f"There is no kind {kind[:100]!r}.",
            hint=f"It is one of {', '.join(known)}.{guess}",
            param="kind",
        )
    return wanted


def fit(size: int, available: int, total: int) -> Fit:
    """Say whether weights of `size` bytes fit in memory of which `available` bytes are free now."""
    if not size:
        return Fit.UNKNOWN
    need = size * _OVERHEAD_SHARE + _OVERHEAD
    if need <= available:
        return Fit.YES
    return Fit.TIGHT if need <= total * _REACHABLE else Fit.NO
