from __future__ import annotations

from llmd.engine.sampling import GreedySampler
from llmd.engine.sequence import Sequence, Timing
from llmd.engine.stopping import TextStream


def test_decodes_once_the_prompt_is_read() -> None:
    sequence = Sequence(1, [1, 2, 3], GreedySampler(), TextStream(), Timing(1.0), max_tokens=9)
    assert not sequence.decoding
    sequence.cached = 3
    sequence.tokens.append(4)
    sequence.generated = 1
    assert sequence.decoding


def test_usage_counts_the_prompt_as_it_came_and_times_each_station() -> None:
    timing = Timing(arrived=1.0, admitted=1.5, first_token=3.5, last_token=7.5)
    sequence = Sequence(1, [1, 2, 3], GreedySampler(), TextStream(), timing, max_tokens=9)
    sequence.tokens += [4, 5]
    sequence.generated = 2
    usage = sequence.usage()
    assert (usage.prompt_tokens, usage.completion_tokens) == (3, 2)
    assert (usage.queue_seconds, usage.prefill_seconds, usage.decode_seconds) == (0.5, 2.0, 4.0)


def test_a_sequence_that_never_ran_took_no_time() -> None:
    usage = Sequence(1, [1], GreedySampler(), TextStream(), Timing(100.0), max_tokens=1).usage()
    assert (usage.queue_seconds, usage.prefill_seconds, usage.decode_seconds) == (0.0, 0.0, 0.0)
