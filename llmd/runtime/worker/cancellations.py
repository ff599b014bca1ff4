"""Requests that were given up before the engine had them. Used by several threads."""

from __future__ import annotations

from collections import OrderedDict

# a cancellation that comes after its answer is never asked for; so many are remembered at most
_REMEMBERED = 4096


class Cancellations:
    """A set of request ids that forgets its oldest ones."""

    def __init__(self) -> None:
        self._ids: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, request: object) -> bool:
        return request in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, request: int) -> None:
        """Remember a request."""
        self._ids[request] = None
        if len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)

    def discard(self, request: int) -> None:
        """Forget a request."""
        self._ids.pop(request, None)
