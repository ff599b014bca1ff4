from __future__ import annotations

import msgspec

from llmd.protocol.directory import Measured, Pricing


def test_nothing_is_measured_and_nothing_costs_at_first() -> None:
    assert msgspec.to_builtins(Measured())["average_latency_ms"] is None
    assert msgspec.to_builtins(Pricing()) == {
        "input_per_1k_tokens": 0.0,
        "output_per_1k_tokens": 0.0,
        "currency": "USD",
    }
