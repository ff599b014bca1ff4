from __future__ import annotations

from typing import Any

from llmd.cli.shape import layers, shape

WEIGHTS = {"size": 1_000_000, "parameters": 500_000, "types": {"Q4_K": 900_000, "F32": 100_000}}
NONE = {"size": 0, "parameters": 0, "types": {}}
LAYER = {
    "dense": WEIGHTS,
    "experts": NONE,
    "heads": 32,
    "kv_heads": 8,
    "key_length": 128,
    "value_length": 128,
    "feed_forward": 4096,
    "experts_used": 0,
    "cached_keys": 1024,
    "cached_values": 1024,
    "cached_index": 0,
    "windowed": False,
    "state": 0,
    "prediction": False,
}


def card(*found: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {
        "facts": {
            "layers": [{**LAYER, **layer} for layer in found],
            "prediction_layers": 0,
            "width": 2048,
            "window": 0,
            "window_kind": "none",
            "has_cache": True,
            "experts": 0,
            "shared_experts": 0,
            **facts,
        },
        "description": {"decoder_layers": 0, "pooling": "", "causal": True, "labels": 0},
    }


def lines(shown: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in shape(shown).lines if value}


def test_a_plain_model_needs_three_lines() -> None:
    assert lines(card({}, {})) == {
        "layers": "2",
        "width": "2048, feed-forward 4096",
        "attention": "32:8 x 128 (query heads : KV heads x length)",
    }


def test_layers_that_differ_are_counted() -> None:
    shown = lines(
        card({}, {"kv_heads": 1, "feed_forward": 64}, {"kv_heads": 1, "value_length": 64})
    )
    assert shown["attention"] == "32:8 x 128 in 1, 32:1 x 128 in 1, 32:1 x 128/64 in 1"
    assert shown["width"] == "2048, feed-forward 64 to 4096"


def test_layers_alike_are_told_once() -> None:
    shown = lines(card({}, {}, {"kv_heads": 1}))
    assert shown["attention"] == "32:8 x 128 in 2, 32:1 x 128 in 1"


def test_windows_states_and_experts_are_told() -> None:
    shown = lines(
        card(
            {"windowed": True},
            {"state": 250_000, "cached_keys": 0, "cached_values": 0},
            {"experts": WEIGHTS, "experts_used": 8},
            {"prediction": True},
            window=512,
            window_kind="chunked",
            experts=64,
            shared_experts=1,
            prediction_layers=1,
        )
    )
    assert shown["windows"] == "512 tokens, chunked, 1 of 4 layers"
    assert shown["states"] == "1.0 MB a sequence, 1 of 4 layers"
    assert shown["experts"] == "64, 8 at a time, 1 shared"
    assert shown["layers"] == "4, 1 of them predict"


def test_encoders_tell_what_they_make() -> None:
    shown = card({}, has_cache=False)
    shown["description"] |= {"pooling": "mean", "causal": False, "labels": 2, "decoder_layers": 6}
    assert lines(shown)["vectors"] == "pooling mean, 2 labels, sees both ways"
    assert lines(shown)["decoder"] == "6 layers"


def test_a_table_has_a_row_for_each_layer() -> None:
    table = layers(
        card(
            {},
            {"windowed": True, "experts": WEIGHTS},
            {"heads": 0, "state": 10, "cached_keys": 0, "cached_values": 0, "feed_forward": 0},
            {"cached_keys": 0, "cached_values": 0},
            {"prediction": True},
        )
    )
    assert [row[1] for row in table.rows] == ["full", "window", "state", "borrows", "predicts+full"]
    assert table.rows[0] == (
        "0",
        "full",
        "32:8 x 128",
        "4096 B",
        "4096",
        "1.0 MB",
        "-",
        "Q4_K F32",
    )
    assert table.rows[1][6] == "1.0 MB"
    assert table.rows[2][2:5] == ("-", "-", "-")
    assert len(table.headings) == len(table.rows[0])


def test_encoders_attend_without_a_cache() -> None:
    found = layers(card({"cached_keys": 0, "cached_values": 0}, has_cache=False))
    assert found.rows[0][1] == "full"


def test_a_model_without_layers_has_a_shape() -> None:
    assert lines(card(width=0)) == {"layers": "0"}
    assert layers(card()).rows == []
