from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from llmd.telemetry.answers import AnswerMetrics


def test_models_have_series_of_their_own() -> None:
    registry = CollectorRegistry()
    answers = AnswerMetrics(registry)
    answers.of("one").tokens["prompt"].inc(5)
    answers.of("two").tokens["prompt"].inc(7)
    answers.of("one").gaps.observe(0.004)
    answers.of("one").phases["queue"].observe(2)
    answers.of("one").rates["decode"].observe(30)
    text = generate_latest(registry).decode()
    assert 'llmd_tokens_total{kind="prompt",model="one"} 5.0' in text
    assert 'llmd_tokens_total{kind="prompt",model="two"} 7.0' in text
    assert 'llmd_token_gap_seconds_bucket{le="0.005",model="one"} 1.0' in text
    assert 'llmd_phase_seconds_sum{model="one",phase="queue"} 2.0' in text
    assert 'llmd_tokens_per_second_bucket{le="50.0",model="one",phase="decode"} 1.0' in text


def test_a_model_is_looked_up_once() -> None:
    answers = AnswerMetrics(CollectorRegistry())
    assert answers.of("one") is answers.of("one")
