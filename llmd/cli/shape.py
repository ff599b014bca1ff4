"""The shape of a model as `llmd show` prints it: its layers together, and one by one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmd.cli import render
from llmd.cli.section import Section

_F16 = 2
_STATE_ELEMENT = 4


def shape(card: Mapping[str, Any]) -> Section:
    """Return how a model is built."""
    facts, told = card["facts"], card["description"]
    found = facts["layers"]
    states = [layer for layer in found if layer["state"]]
    state_bytes = _STATE_ELEMENT * sum(layer["state"] for layer in states)
    prediction = facts["prediction_layers"]
    return Section(
        "shape",
        [
            ("layers", f"{len(found)}{f', {prediction} of them predict' if prediction else ''}"),
            ("width", _widths(facts)),
            ("attention", _range(_heads(layer) for layer in found if layer["heads"])),
            ("windows", _windows(facts)),
            ("states", _of(states, found, f"{render.size(state_bytes)} a sequence")),
            ("experts", _experts(facts)),
            ("decoder", f"{told['decoder_layers']} layers" if told["decoder_layers"] else ""),
            ("vectors", _vectors(card)),
        ],
    )


def layers(card: Mapping[str, Any]) -> Section:
    """Return a table of the model's layers."""
    facts = card["facts"]
    rows = []
    for number, layer in enumerate(facts["layers"]):
        elements = layer["cached_keys"] + layer["cached_values"] + layer["cached_index"]
        rows.append(
            (
                str(number),
                _kind(layer, cached=facts["has_cache"]),
                _heads(layer),
                f"{elements * _F16} B" if elements else "-",
                str(layer["feed_forward"] or "-"),
                render.size(layer["dense"]["size"]),
                render.size(layer["experts"]["size"]) if layer["experts"]["size"] else "-",
                " ".join({**layer["experts"]["types"], **layer["dense"]["types"]}),
            )
        )
    return Section(
        "",
        [],
        ("LAYER", "KIND", "HEADS", "CACHE", "FFN", "DENSE", "EXPERTS", "TYPES"),
        rows,
    )


def _widths(facts: Mapping[str, Any]) -> str:
    inner = sorted({layer["feed_forward"] for layer in facts["layers"]} - {0})
    if not facts["width"] or not inner:
        return str(facts["width"] or "")
    span = str(inner[0]) if len(inner) == 1 else f"{inner[0]} to {inner[-1]}"
    return f"{facts['width']}, feed-forward {span}"


def _windows(facts: Mapping[str, Any]) -> str:
    windowed = [layer for layer in facts["layers"] if layer["windowed"]]
    kind = "" if facts["window_kind"] == "standard" else f", {facts['window_kind']}"
    return _of(windowed, facts["layers"], f"{facts['window']} tokens{kind}")


def _of(some: Sequence[object], everything: Sequence[object], what: str) -> str:
    return f"{what}, {len(some)} of {len(everything)} layers" if some else ""


def _experts(facts: Mapping[str, Any]) -> str:
    if not facts["experts"]:
        return ""
    used = sorted({layer["experts_used"] for layer in facts["layers"]} - {0})
    span = "" if not used else f", {used[-1]} at a time"
    shared = f", {facts['shared_experts']} shared" if facts["shared_experts"] else ""
    return f"{facts['experts']}{span}{shared}"


def _vectors(card: Mapping[str, Any]) -> str:
    told = card["description"]
    if not told["pooling"]:
        return ""
    labels = f", {told['labels']} labels" if told["labels"] else ""
    sight = "" if told["causal"] else ", sees both ways"
    return f"pooling {told['pooling']}{labels}{sight}"


def _kind(layer: Mapping[str, Any], *, cached: bool) -> str:
    attends = layer["cached_keys"] or (layer["heads"] and not cached)
    kinds = [
        "predicts" if layer["prediction"] else "",
        "state" if layer["state"] else "",
        "window" if layer["windowed"] else "",
        "full" if attends and not layer["windowed"] else "",
        "borrows" if layer["kv_heads"] and not attends and not layer["state"] else "",
    ]
    return "+".join(filter(None, kinds)) or "-"


def _heads(layer: Mapping[str, Any]) -> str:
    if not layer["heads"] or not layer["kv_heads"]:
        return "-"
    key, value = layer["key_length"], layer["value_length"]
    length = f"{key}" if key == value else f"{key}/{value}"
    return f"{layer['heads']}:{layer['kv_heads']} x {length}"


def _range(values: Iterable[str]) -> str:
    """Return each value once, with how often it comes where there are several."""
    counts: dict[str, int] = {}
    for value in values:
        if value != "-":
            counts[value] = counts.get(value, 0) + 1
    if len(counts) == 1:
        return f"{next(iter(counts))} (query heads : KV heads x length)"
    return ", ".join(f"{value} in {count}" for value, count in counts.items())
