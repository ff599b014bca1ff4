"""The daemon's Prometheus metrics, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from llmd.telemetry.answers import AnswerMetrics
from llmd.telemetry.engines import Engines, Source
from llmd.telemetry.histograms import Histogram
from llmd.telemetry.residency import ModelMetrics
from llmd.telemetry.serving import CallerMetrics, RequestMetrics, connections

_DOCUMENTED = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300)
_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """One instance per daemon; labels stay few so that series stay few."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.show_connections = connections(registry)
        """Takes the function that counts open connections."""
        documented = Histogram.registered(
            registry,
            "model_inference_seconds",
            "Seconds from the arrival of a request to its last token",
            [],
            _DOCUMENTED,
        )
        documented.written = "{:g}".format
        self.all_inference_seconds = documented.labels()
        """As native.md has it, to the letter: no labels, bounds as `le="1"`."""
        self.answers = AnswerMetrics(registry)
        self.cancel_seconds = Histogram.registered(
            registry,
            "llmd_cancel_seconds",
            "Seconds from a cancellation to its sequence being gone",
            [],
            _GAPS,
        ).labels()
        self.requests = Counter(
            "llmd_requests", "Requests for text, by how they ended", ["outcome"], registry=registry
        )
        self.rate_limited = Counter(
            "llmd_rate_limited",
            "Requests refused by a limit, by whose (key, user, address) and of what it is",
            ["whose", "resource"],
            registry=registry,
        )
        self.login_failures = Counter(
            "llmd_login_failures",
            "Logins and tokens that were refused",
            ["reason"],
            registry=registry,
        )
        self.http = RequestMetrics(registry)
        self.callers = CallerMetrics(registry)
        self.active_requests = Gauge(
            "llmd_active_requests",
            "Requests that are answered or wait for it, and other work that a shutdown waits for",
            registry=registry,
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
