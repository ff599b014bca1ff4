"""Metrics of answers, by model. Looking a series up by its labels costs more than counting, so each
model's series are looked up once.
"""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter

from llmd.telemetry.histograms import Histogram

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_RATES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
PHASES = ("queue", "prefill", "decode")
KINDS = ("prompt", "completion", "cached", "drafted", "accepted")


class AnswerMetrics:
    """The families."""

    def __init__(self, registry: CollectorRegistry) -> None:
        family = partial(Histogram.registered, registry)
        self.inference = family(
            "llmd_inference_seconds",
            "Seconds from the arrival of a request to its last token",
            ["model"],
            _SECONDS,
        )
        self.first_token = family(
            "llmd_first_token_seconds",
            "Seconds from arrival to the first token",
            ["model"],
            _SECONDS,
        )
        self.phases = family(
            "llmd_phase_seconds",
            "Seconds a request spent waiting (queue), reading (prefill) and writing (decode)",
            ["model", "phase"],
            _SECONDS,
        )
        self.gaps = family(
            "llmd_token_gap_seconds",
            "Seconds between two pieces of an answer, as they leave the worker",
            ["model"],
            _GAPS,
        )
        self.rates = family(
            "llmd_tokens_per_second",
            "Speed of one request while it read (prefill, without what the cache held) and wrote",
            ["model", "phase"],
            _RATES,
        )
        self.reused = family(
            "llmd_prompt_reused_share",
            "Share of a prompt that the prefix cache held",
            ["model"],
            _SHARES,
        )
        self.tokens = Counter(
            "llmd_tokens", "Tokens of complete answers", ["model", "kind"], registry=registry
        )
        self._models: dict[str, ModelAnswers] = {}

    def of(self, model: str) -> ModelAnswers:
        """Return the series of a model."""
        found = self._models.get(model)
        if found is None:
            found = self._models[model] = ModelAnswers(self, model)
        return found


class ModelAnswers:
    """The series of one model."""

    def __init__(self, families: AnswerMetrics, model: str) -> None:
        self.inference = families.inference.labels(model)
        self.first_token = families.first_token.labels(model)
        self.gaps = families.gaps.labels(model)
        self.reused = families.reused.labels(model)
        self.phases = {phase: families.phases.labels(model, phase) for phase in PHASES}
        self.rates = {phase: families.rates.labels(model, phase) for phase in PHASES[1:]}
        self.tokens = {kind: families.tokens.labels(model, kind) for kind in KINDS}
