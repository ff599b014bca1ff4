from __future__ import annotations

from llmd.telemetry.metrics import Metrics

FIGURES = {
    "requests": {"running": 3.0, "waiting": 2.0},
    "wait_seconds": {"": 1.5},
    "kv_cells": {"running": 10.0, "parked": 20.0, "free": 70.0},
    "prefixes": {"": 4.0},
    "steps": {"": 9.0},
    "tokens": {"read": 100.0, "reused": 50.0},
}


def test_every_loaded_model_has_its_series() -> None:
    metrics = Metrics()
    metrics.watch(lambda: {"a": FIGURES, "b": FIGURES})
    lines = metrics.render().decode().splitlines()
    for line in (
        'llmd_engine_requests{model="a",state="waiting"} 2.0',
        'llmd_engine_wait_seconds{model="b"} 1.5',
        'llmd_engine_kv_cells{model="a",state="parked"} 20.0',
        'llmd_engine_steps_total{model="a"} 9.0',
        'llmd_engine_tokens_total{kind="reused",model="b"} 50.0',
        "# TYPE llmd_engine_tokens_total counter",
    ):
        assert line in lines


def test_an_unloaded_model_leaves_nothing_behind() -> None:
    models = {"a": FIGURES}
    metrics = Metrics()
    metrics.watch(lambda: models)
    assert 'model="a"' in metrics.render().decode()
    models.clear()
    assert 'model="a"' not in metrics.render().decode()


def test_names_may_hold_any_character() -> None:
    metrics = Metrics()
    metrics.watch(lambda: {'org/模型:"x"\n': FIGURES})
    assert r'model="org/模型:\"x\"\n"' in metrics.render().decode()
