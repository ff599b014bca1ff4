"""The daemon's Prometheus metrics, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from llmd.telemetry.engines import Engines, Source
from llmd.telemetry.residency import ModelMetrics

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_RATES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """One instance per daemon; labels stay few so that series stay few."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.active_connections = Gauge("active_connections", "Now served", registry=registry)
        self.inference_seconds = Histogram(
            "model_inference_seconds",
            "Seconds from arrival to the last token",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_token_seconds = Histogram(
            "llmd_first_token_seconds",
            "Seconds from arrival to the first token",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.cancel_seconds = Histogram(
            "llmd_cancel_seconds",
            "Seconds from a cancellation to its sequence being gone",
            buckets=_GAPS,
            registry=registry,
        )
        self.phase_seconds = Histogram(
            "llmd_phase_seconds",
            "Seconds a request spent waiting (queue), reading (prefill) and writing (decode)",
            ["model", "phase"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.tokens_per_second = Histogram(
            "llmd_tokens_per_second",
            "Speed of one request while it read (prefill, without what the cache held) and wrote",
            ["model", "phase"],
            buckets=_RATES,
            registry=registry,
        )
        self.reused_share = Histogram(
            "llmd_prompt_reused_share",
            "Share of a prompt that the prefix cache held",
            ["model"],
            buckets=_SHARES,
            registry=registry,
        )
        self.tokens = Counter("llmd_tokens", "Tokens", ["model", "kind"], registry=registry)
        self.requests = Counter(
            "llmd_requests", "By how they ended", ["outcome"], registry=registry
        )
        self.models = ModelMetrics(registry)

    def watch(self, engines: Source) -> None:
        """Show also what the engines say whenever somebody looks."""
        self.registry.register(Engines(engines))

    def observe_cancel(self, seconds: float) -> None:
        """Count one cancellation."""
        self.cancel_seconds.observe(seconds)

    def render(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)
