"""Metrics of the engines, read when somebody asks for them: a model that is unloaded leaves no
series behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Source = Callable[[], Mapping[str, Mapping[str, Mapping[str, float]]]]
"""Figures by model, by family of the table below, by label ("" where a family has none)."""

_FAMILIES: tuple[tuple[type[CounterMetricFamily | GaugeMetricFamily], str, str, str], ...] = (
    (GaugeMetricFamily, "requests", "state", "Requests in the engine"),
    (GaugeMetricFamily, "wait_seconds", "", "Seconds that a request coming now may wait"),
    (GaugeMetricFamily, "kv_cells", "state", "Cells of the KV cache"),
    (GaugeMetricFamily, "prefixes", "", "Prefixes kept in the KV cache for later prompts"),
    (CounterMetricFamily, "steps", "", "Decode calls"),
    (CounterMetricFamily, "tokens", "kind", "Tokens, those of answers under way included"),
)


class Engines(Collector):
    """What the engines of all loaded models say now."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        """Yield one family after the other."""
        models = self._source()
        for kind, name, label, meaning in _FAMILIES:
            labels = ["model", label] if label else ["model"]
            family = kind(f"llmd_engine_{name}", meaning, labels=labels)
            for model, figures in models.items():
                for value, number in figures[name].items():
                    family.add_metric([model, value] if label else [model], number)
            yield family
