from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from llmd.telemetry.serving import CallerMetrics, RequestMetrics, connections


def test_requests_are_counted_by_their_route() -> None:
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    metrics.count("openai", "POST", "/v1/chat/completions", 200, 0.05)
    metrics.count("openai", "POST", "/v1/chat/completions", 429, 0.001)
    text = generate_latest(registry).decode()
    labels = 'dialect="openai",method="POST",route="/v1/chat/completions"'
    assert f'llmd_http_requests_total{{{labels},status="200"}} 1.0' in text
    assert f'llmd_http_requests_total{{{labels},status="429"}} 1.0' in text
    assert (
        'llmd_http_request_seconds_count{dialect="openai",route="/v1/chat/completions"} 2.0' in text
    )


def test_a_crowd_of_callers_does_not_become_a_crowd_of_series() -> None:
    registry = CollectorRegistry()
    metrics = CallerMetrics(registry, most=2)
    for number in range(100):
        metrics.count(f"llmd-{number}", 10)
    metrics.count("llmd-0", 1)
    text = generate_latest(registry).decode()
    assert 'llmd_caller_tokens_total{caller="llmd-0"} 11.0' in text
    assert 'llmd_caller_tokens_total{caller="other"} 980.0' in text
    assert text.count("llmd_caller_tokens_total{") == 3


def test_connections_are_asked_for_when_somebody_looks() -> None:
    registry = CollectorRegistry()
    now = [3]
    connections(registry)(lambda: now[0])
    now[0] = 5
    assert "active_connections 5.0" in generate_latest(registry).decode()
