from __future__ import annotations

from llmd.telemetry.metrics import Metrics


def test_renders_what_was_counted() -> None:
    metrics = Metrics()
    metrics.observe_cancel(0.004)
    metrics.inference_seconds.labels("m").observe(0.7)
    text = metrics.render().decode()
    assert 'llmd_cancel_seconds_bucket{le="0.005"} 1.0' in text
    assert 'model_inference_seconds_bucket{le="1.0",model="m"} 1.0' in text
    assert "# TYPE active_connections gauge" in text


def test_two_daemons_in_one_process_do_not_share_figures() -> None:
    first, second = Metrics(), Metrics()
    first.active_connections.inc()
    assert "active_connections 0.0" in second.render().decode()
