"""What one complete answer adds to the metrics, and what engines contribute to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmd.protocol.events import Usage
from llmd.protocol.models import LoadedModel
from llmd.telemetry.metrics import Metrics


def account(metrics: Metrics, model: str, usage: Usage) -> None:
    """Count the tokens and seconds of one answer."""
    series = metrics.answers.of(model)
    series.phases["queue"].observe(usage.queue_seconds)
    phases = {
        "prefill": (usage.prefill_seconds, usage.prompt_tokens - usage.cached_tokens),
        "decode": (usage.decode_seconds, usage.completion_tokens - 1),
    }
    for phase, (seconds, tokens) in phases.items():
        series.phases[phase].observe(seconds)
        if tokens > 0 and seconds > 0:
            series.rates[phase].observe(tokens / seconds)
    if usage.prompt_tokens:
        series.reused.observe(usage.cached_tokens / usage.prompt_tokens)
    counts = {
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "cached": usage.cached_tokens,
        "drafted": usage.drafted_tokens,
        "accepted": usage.accepted_tokens,
    }
    for kind, count in counts.items():
        if count:
            series.tokens[kind].inc(count)


def engines(
    models: Iterable[LoadedModel],
) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Return what loaded models say of themselves, see `telemetry.engines.Source`."""
    return {model.name: _engine(model) for model in models}


def _engine(model: LoadedModel) -> Mapping[str, Mapping[str, float]]:
    now = model.activity
    return {
        "requests": {"running": now.running, "waiting": now.waiting},
        "wait_seconds": {"": now.estimated_wait},
        "kv_cells": {
            "running": now.kv_used - now.kv_parked,
            "parked": now.kv_parked,
            "free": model.kv_tokens - now.kv_used,
        },
        "prefixes": {"": now.prefixes},
        "steps": {"": now.steps},
        "tokens": {
            "read": now.read_tokens,
            "reused": now.reused_tokens,
            "generated": now.generated_tokens,
            "drafted": now.drafted_tokens,
            "accepted": now.accepted_tokens,
        },
    }
