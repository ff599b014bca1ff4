from __future__ import annotations

from llmd.telemetry.metrics import Metrics


def test_loads_and_unloads_are_counted_by_what_became_of_them_and_why() -> None:
    metrics = Metrics()
    metrics.models.loads.labels("m", "failed").inc()
    metrics.models.load_seconds.labels("m").observe(40)
    metrics.models.unloads.labels("pressure").inc()
    metrics.models.waiting.set(2)
    metrics.models.shrunk_bytes.inc(10)
    text = metrics.render().decode()
    for line in (
        'llmd_model_loads_total{model="m",outcome="failed"} 1.0',
        'llmd_model_load_seconds_bucket{le="60.0",model="m"} 1.0',
        'llmd_model_unloads_total{reason="pressure"} 1.0',
        "llmd_models_waiting 2.0",
        "llmd_caches_shrunk_bytes_total 10.0",
    ):
        assert line in text
