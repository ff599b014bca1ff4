"""What one decode call carries."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmd.engine.sequence import Sequence, Space


@dataclass(frozen=True, slots=True)
class Chunk:
    """`count` tokens of a sequence, from its first uncached one; `last` when none is left after
    them; `stop` when the memory wants to know that it came so far.
    """

    sequence: Sequence
    count: int
    last: bool
    stop: bool = False


@dataclass(slots=True)
class Plan:
    """What one decode call carries: decoding sequences first, then chunks of prompts."""

    chunks: list[Chunk] = field(default_factory=list)
    decoding: int = 0
    """Tokens of decoding sequences, drafted ones included."""
    reading: int = 0
    """Tokens of prompts."""
    depth: int = 0
    """Tokens that lie before what is read next of the prompt that came farthest."""
    paced: bool = True
    """Whether the prompt tokens are as many as running answers can bear."""
    picture: Chunk | None = None
    """A picture or sound, whole, which takes a call of its own before the one of the chunks."""
    space: Space = ()
    """The adapters all chunks need."""

    @property
    def reads(self) -> bool:
        """Whether there is anything of a prompt in it."""
        return self.reading > 0 or self.picture is not None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.chunks and self.picture is None
