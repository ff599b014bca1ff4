from __future__ import annotations

import pytest

from llmd.engine.limits import Limits, Threads

LIMITS = Limits(parallel=8, slots=9, kv_tokens=8192, batch=512, prefill_chunk=256, max_queue=2)


@pytest.mark.parametrize(
    ("wanted", "step"), [(1, 1), (512, 512), (576, 576), (768, 768), (769, 512), (4000, 512)]
)
def test_a_step_reads_a_batch_or_all_that_is_left_if_it_is_little_more(
    wanted: int, step: int
) -> None:
    assert LIMITS.step(wanted) == step <= LIMITS.largest


def test_answers_have_their_threads_however_many_are_written_at_a_time() -> None:
    threads = Threads(decode=2, prefill=8)
    assert threads.step(reading=0) == 2
    assert threads.step(reading=1) == 8
