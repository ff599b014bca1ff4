from __future__ import annotations

from llmd.engine.grammar.subschemas import children


def test_subschemas_come_with_the_steps_to_them() -> None:
    schema = {
        "properties": {"a": 1},
        "anyOf": [2, 3],
        "items": 4,
        "$defs": {"d": 5},
        "enum": [{"items": 6}],
        "title": "no schema",
    }
    assert list(children(schema)) == [
        (("properties", "a"), 1),
        (("anyOf", 0), 2),
        (("anyOf", 1), 3),
        (("items",), 4),
        (("$defs", "d"), 5),
    ]
    assert list(children({"items": [1, 2]})) == [(("items", 0), 1), (("items", 1), 2)]
    assert list(children({"properties": [1], "allOf": {}})) == []
