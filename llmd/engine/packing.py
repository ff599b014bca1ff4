"""Which waiting inputs the next embedding call carries. Pure.

Jobs take turns, one input each, so that a short request never waits for a long one to end; inputs
of different requests share one decode call, which costs little more than a single input does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

ROOM = 512
"""Tokens that a call carries, unless its first input alone has more."""

BUSY_ROOM = 64
"""The same while answers of the same model are being written, which wait for the call to end."""


class Input(NamedTuple):
    """The tokens of one input and its place in its request."""

    place: int
    tokens: list[int]


def take_turns(
    queues: Sequence[deque[Input]], most: int, room: int = ROOM
) -> list[tuple[int, Input]]:
    """Take inputs out of `queues` by turns, at most `most`; return each with the index of its
    queue.

    They have `room` tokens together, or as many as the first one alone has.
    """
    taken: list[tuple[int, Input]] = []
    open_queues = [index for index, queue in enumerate(queues) if queue]
    while open_queues:
        for index in tuple(open_queues):
            size = len(queues[index][0].tokens)
            if len(taken) == most or (taken and size > room):
                open_queues.remove(index)
                continue
            room -= size
            taken.append((index, queues[index].popleft()))
            if not queues[index]:
                open_queues.remove(index)
    return taken
