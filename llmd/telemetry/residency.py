"""Metrics of models that come and go."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class ModelMetrics:
    """Loads, unloads by their reason, and who waits for memory."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.loads = Counter(
            "llmd_model_loads", "Models loaded", ["model", "outcome"], registry=registry
        )
        self.load_seconds = Histogram(
            "llmd_model_load_seconds",
            "Seconds that loading a model took",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.unloads = Counter(
            "llmd_model_unloads", "Models unloaded", ["reason"], registry=registry
        )
        self.deaths = Counter(
            "llmd_worker_deaths",
            "Worker processes that died and were replaced when next needed, by why they did",
            ["model", "cause"],
            registry=registry,
        )
        self.waiting = Gauge(
            "llmd_models_waiting",
            "Models that requests wait for and that are not being loaded yet",
            registry=registry,
        )
        self.shrunk_bytes = Counter(
            "llmd_caches_shrunk_bytes",
            "Bytes that caches gave up because memory ran short",
            registry=registry,
        )
