"""Metrics of those who ask: HTTP requests by route, what callers used, who was refused."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from llmd.telemetry.histograms import Histogram, Series

_SECONDS = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_CALLERS = 200
OTHERS = "other"


class RequestMetrics:
    """HTTP requests; routes are templates, as `/models/{name}/load`, so that series stay few."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "llmd_http_requests",
            "HTTP requests by the dialect, route and status of their answer (499: the client left)",
            ["dialect", "method", "route", "status"],
            registry=registry,
        )
        # looking a series up by its labels costs more than counting
        self._series: dict[tuple[str, str, str, int], tuple[Counter, Series]] = {}
        self._seconds = Histogram.registered(
            registry,
            "llmd_http_request_seconds",
            "Seconds from the head of an HTTP request to the end of its answer",
            ["dialect", "route"],
            _SECONDS,
        )

    def count(self, dialect: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count one."""
        place = (dialect, method, route, status)
        series = self._series.get(place)
        if series is None:
            series = self._series[place] = (
                self._count.labels(dialect, method, route, str(status)),
                self._seconds.labels(dialect, route),
            )
        series[0].inc()
        series[1].observe(seconds)


class CallerMetrics:
    """Tokens by caller: the first 200 by their name, all others together."""

    def __init__(self, registry: CollectorRegistry, most: int = _CALLERS) -> None:
        self._most = most
        self._known: set[str] = set()
        self._tokens = Counter(
            "llmd_caller_tokens",
            "Tokens of prompts and answers, by the prefix of the API key or the name of the user",
            ["caller"],
            registry=registry,
        )

    def count(self, label: str, tokens: int) -> None:
        """Count what one answer took."""
        if label not in self._known:
            if len(self._known) >= self._most:
                label = OTHERS
            self._known.add(label)
        self._tokens.labels(label).inc(tokens)


def connections(registry: CollectorRegistry) -> Callable[[Callable[[], float]], None]:
    """Make the gauge of open connections; return what sets the function that it asks."""
    gauge = Gauge("active_connections", "Client connections that are open now", registry=registry)
    gauge.set(0)
    return gauge.set_function
