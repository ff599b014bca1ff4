from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.events import (
    Accepted,
    CallDelta,
    Delta,
    Event,
    Finished,
    FinishReason,
    Portion,
    Queued,
    Reading,
    TokenLogprob,
    Usage,
    melted,
)
from tests.unit.protocol.conftest import USAGE


@pytest.mark.parametrize(
    "event",
    [
        Accepted(3),
        Queued(3, 1.5),
        Reading(7, 4),
        Delta("x", 1),
        Finished(FinishReason.STOP, USAGE, "\n"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events_are_told_apart_by_their_tag(event: Event) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=Event) == event


def test_a_piece_may_be_part_of_a_character() -> None:
    token = TokenLogprob(1, b"\xe4\xb8", -0.1, [])
    assert (
        msgspec.msgpack.decode(msgspec.msgpack.encode(token), type=TokenLogprob).piece
        == b"\xe4\xb8"
    )


def test_reasons_are_those_of_openai() -> None:
    assert [str(reason) for reason in FinishReason] == ["stop", "length", "tool_calls"]


def test_deltas_do_not_share_their_list() -> None:
    first, second = Delta("a", 1), Delta("b", 1)
    assert first.logprobs is not second.logprobs


def test_usage_starts_at_nothing() -> None:
    assert not any(msgspec.to_builtins(Usage()).values())


def test_a_portion_without_anything_is_false() -> None:
    assert not Portion()
    assert Portion(reasoning="hm")
    assert Portion(calls=[CallDelta(0)])


def test_pieces_of_one_call_melt_and_calls_stay_apart() -> None:
    pieces = [CallDelta(0, "a", "f", "{"), CallDelta(0, arguments="}"), CallDelta(1, "b", "g")]
    assert melted(pieces) == [CallDelta(0, "a", "f", "{}"), CallDelta(1, "b", "g")]
    assert melted([]) == []
