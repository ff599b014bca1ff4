"""The daemon's Prometheus metrics, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """One instance per daemon; labels stay few so that series stay few."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.active_connections = Gauge(
            "active_connections", "Requests being served", registry=self.registry
        )
        self.inference_seconds = Histogram(
            "model_inference_seconds",
            "Seconds from arrival to the last token",
            ["model"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.first_token_seconds = Histogram(
            "llmd_first_token_seconds",
            "Seconds from arrival to the first token",
            ["model"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.cancel_seconds = Histogram(
            "llmd_cancel_seconds",
            "Seconds from a cancellation to its sequence being gone",
            buckets=_GAPS,
            registry=self.registry,
        )
        self.tokens = Counter("llmd_tokens", "Tokens", ["model", "kind"], registry=self.registry)
        self.requests = Counter(
            "llmd_requests", "Requests by how they ended", ["outcome"], registry=self.registry
        )

    def observe_cancel(self, seconds: float) -> None:
        """Count one cancellation."""
        self.cancel_seconds.observe(seconds)

    def render(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)
