"""What a context remembered of one sequence, and how far back it can be cut. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

TOKEN_BYTES = 8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The part of a state that cannot be cut back, as it was after `length` tokens."""

    length: int
    state: Bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A sequence's whole state after `tokens`, at `positions` positions (the same number, but for
    models that give an image's tokens fewer of them).
    """

    tokens: tuple[int, ...]
    positions: int
    state: Bytes
    floor: int
    """The shortest length that the state can be cut back to: 0 for a plain KV cache."""
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the states in it."""
        return self.state.nbytes + sum(point.state.nbytes for point in self.checkpoints)


@dataclass(frozen=True, slots=True)
class Reach:
    """The lengths at which a snapshot of `length` tokens can be taken up again: from `floor` up,
    and at its checkpoints.
    """

    length: int
    floor: int
    checkpoints: tuple[int, ...] = ()

    def best(self, common: int) -> int:
        """Return the most tokens of use to a text that shares the first `common`; 0 if none."""
        common = min(common, self.length)
        if common >= self.floor:
            return common
        return max((at for at in self.checkpoints if at <= common), default=0)

    def covers(self, other: Reach) -> bool:
        """Whether this snapshot is of use wherever that of a prefix of its text is."""
        points = (other.length, *other.checkpoints)
        return self.floor <= other.floor or all(self.best(point) >= point for point in points)


def packed(tokens: Sequence[int]) -> bytes:
    """Return tokens (of up to 64 bits: images are known by hashes) as bytes of one width."""
    return np.asarray(tokens, ">i8").tobytes()


def unpacked(data: bytes) -> tuple[int, ...]:
    """Return the tokens that were packed."""
    return tuple(np.frombuffer(data, ">i8").tolist())
