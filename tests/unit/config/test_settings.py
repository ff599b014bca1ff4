from __future__ import annotations

import ast
import inspect
import sys

import msgspec
import pytest

from llmd.config.settings import (
    CacheType,
    EngineSettings,
    LogLevel,
    Section,
    ServerSettings,
    Settings,
)


def test_defaults_are_the_fixed_names_of_the_project() -> None:
    assert (Settings().server.host, Settings().server.port) == ("127.0.0.1", 8000)
    assert Settings().pool.keep_alive == 300
    assert Settings().engine.kv_type is CacheType.F16
    assert Settings().log.level is LogLevel.INFO


def test_every_setting_has_a_sentence_under_it() -> None:
    sections = {kind.__name__: kind.__module__ for kind in Section.__subclasses__()}
    del sections["Settings"]
    assert len(sections) > 10
    trees = [ast.parse(inspect.getsource(sys.modules[name])) for name in {*sections.values()}]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if not isinstance(node, ast.ClassDef) or node.name not in sections:
            continue
        for field, below in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                assert documented, f"{node.name}.{field.target.id}"


def test_sections_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(AttributeError):
        ServerSettings().port = 1


def test_sections_know_their_fields_only() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"paralel": 2}, EngineSettings)


@pytest.mark.parametrize(
    "fields", [{"parallel": 0}, {"parallel": 257}, {"batch": 8}, {"kv_type": "f64"}]
)
def test_values_out_of_range_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, EngineSettings)
