from __future__ import annotations

import msgspec
from msgspec import UNSET

from llmd.protocol import events as native
from llmd.server.completions.convert import line

MISS = native.CacheMiss(native.MissKind.TIME, 7, "mine", "theirs")
FINISHED = native.Finished(native.FinishReason.STOP, native.Usage(prompt_tokens=9, cache_miss=MISS))


def test_the_prompt_that_waits_longest_is_told_of() -> None:
    accepted = [native.Accepted(3, 2, 1, 0.5), native.Accepted(3, 5, 4, 2.04)]
    assert line.headers(accepted) == {
        "X-LLMD-Queue-Position": "4",
        "X-LLMD-Estimated-Wait": "2.0",
        "X-LLMD-Dropped-Tokens": "7",
    }


def test_without_a_wait_the_place_is_zero() -> None:
    for accepted in ([native.Accepted(3)], []):
        assert line.headers(accepted) == {
            "X-LLMD-Queue-Position": "0",
            "X-LLMD-Estimated-Wait": "0.0",
        }


def test_a_place_is_a_comment_of_the_stream() -> None:
    assert line.comment(native.Queued(3, 2.123)) == b": queued position=3 wait=2.1\n\n"


def test_the_first_miss_is_told_and_none_is_left_out() -> None:
    parts = [native.Usage(), native.Usage(cache_miss=MISS)]
    assert msgspec.to_builtins(line.miss(parts)) == {
        "kind": "time",
        "token": 7,
        "text": "mine",
        "instead": "theirs",
    }
    assert line.miss([native.Usage()]) is UNSET


def test_words_of_other_prompts_are_taken_out_and_nothing_else() -> None:
    plain = line.discreet(FINISHED)
    assert isinstance(plain, native.Finished)
    assert plain.usage.cache_miss == native.CacheMiss(native.MissKind.TIME, 7, "mine")
    assert plain.usage.prompt_tokens == 9
    for event in (native.Accepted(3), native.Finished(native.FinishReason.STOP, native.Usage())):
        assert line.discreet(event) is event
