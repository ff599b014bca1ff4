from __future__ import annotations

from llmd.engine.plan import Chunk, Plan
from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream


def test_a_plan_is_empty_without_chunks_and_pictures() -> None:
    sequence = Sequence(1, [1], GreedySampler(), TextStream(), Timing(0.0), max_tokens=1)
    chunk = Chunk(sequence, 1, last=True)
    assert Plan().empty
    assert not Plan(chunks=[chunk]).empty
    assert not Plan(picture=chunk).empty
