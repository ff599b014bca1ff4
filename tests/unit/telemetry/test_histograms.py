from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as Original

from llmd.telemetry.histograms import Histogram

BOUNDS = (0.1, 1, 2.5, 300)
VALUES = (0.05, 0.1, 0.11, 1, 2, 2.5, 299, 300, 301)


def lines(registry: CollectorRegistry) -> list[str]:
    return [
        line for line in generate_latest(registry).decode().splitlines() if "_created" not in line
    ]


def test_it_says_what_the_original_would_say() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    swift = Histogram.registered(ours, "seconds", "Seconds", ["model", "phase"], BOUNDS)
    original = Original("seconds", "Seconds", ["model", "phase"], buckets=BOUNDS, registry=theirs)
    for number, value in enumerate(VALUES):
        labels = (f"m{number % 2}", 'a"b\\c\n')
        swift.labels(*labels).observe(value)
        original.labels(*labels).observe(value)
    assert sorted(lines(ours)) == sorted(lines(theirs))
    assert len(lines(ours)) > 10


def test_a_series_is_made_once() -> None:
    histogram = Histogram("seconds", "Seconds", ["model"], BOUNDS)
    assert histogram.labels("m") is histogram.labels("m")
    assert histogram.labels("m") is not histogram.labels("n")


def test_bounds_may_be_written_otherwise() -> None:
    registry = CollectorRegistry()
    histogram = Histogram.registered(registry, "seconds", "Seconds", [], BOUNDS)
    histogram.written = "{:g}".format
    histogram.labels().observe(0.5)
    assert 'seconds_bucket{le="1"} 1.0' in lines(registry)
    assert 'seconds_bucket{le="2.5"} 1.0' in lines(registry)
