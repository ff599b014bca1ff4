"""Against what the pinned llama.cpp allocates for a small model of every architecture it knows.

`tests/data/architectures.json` has their hyperparameters, and the buffers of a context of 8,192
tokens, 3 sequences and flash attention as its log gives them, in MiB. The models were written by
llama.cpp's own tests/test-llama-archs.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmd.models.gguf.caching import cache_size
from llmd.models.gguf.derivation import facts_of
from llmd.models.gguf.facts import Facts
from llmd.models.gguf.header import Header
from tests.conftest import DATA

KNOWN: list[dict[str, Any]] = json.loads((DATA / "architectures.json").read_text())
# llama.cpp tells of windows that these two do not use, or use in another way than it says
UNTOLD = {"deepseek4", "exaone4"}


def derived(known: dict[str, Any]) -> Facts:
    name = known["architecture"]
    values = {f"{name}.{key}": value for key, value in known["values"].items()}
    return facts_of([Header(3, {"general.architecture": name, **values}, (), 0, 0)])


def label(known: dict[str, Any]) -> str:
    return f"{known['architecture']}-{known['values'].get('expert_count', 0)}"


@pytest.mark.parametrize("known", KNOWN, ids=label)
def test_the_cache_is_as_large_as_llama_cpp_makes_it(known: dict[str, Any]) -> None:
    found = derived(known)
    rounded = 0.005 * known["buffers"] + 0.001
    assert cache_size(found, 8192, "f16", 3) / 2**20 == pytest.approx(known["cache"], abs=rounded)
    assert (found.recurrent, found.hybrid) == (known["recurrent"], known["hybrid"])
    assert len(found.layers) == known["layers"]
    if known["architecture"] not in UNTOLD:
        assert found.window == known["window"]


def test_all_kinds_of_memory_are_among_them() -> None:
    found = [derived(known) for known in KNOWN]
    assert len(found) > 100
    assert sum(facts.recurrent and not facts.hybrid for facts in found) > 1
    assert sum(facts.hybrid for facts in found) > 10
    assert sum(facts.latent for facts in found) > 5
    assert sum(facts.window > 0 for facts in found) > 15
    assert sum(not facts.has_cache for facts in found) > 3


def test_windows_take_what_they_look_back_to() -> None:
    known = next(known for known in KNOWN if known["architecture"] == "gemma3")
    facts = derived(known)
    dense = sum(not layer.windowed for layer in facts.layers)
    each = cache_size(facts, 1, "f16") // len(facts.layers)
    expected = each * (8192 * dense + 3 * facts.window * (len(facts.layers) - dense))
    assert 0 < dense < len(facts.layers)
    assert cache_size(facts, 8192, "f16", 3, narrow=True) == expected
    assert cache_size(facts, 8, "f16", narrow=True) == cache_size(facts, 8, "f16")


def test_smaller_elements_take_less() -> None:
    known = next(known for known in KNOWN if known["architecture"] == "qwen3")
    facts = derived(known)
    full = cache_size(facts, 256, "f16")
    assert cache_size(facts, 512, "f16") == 2 * full
    assert cache_size(facts, 256, "q8_0") == full * 34 // 64
    assert cache_size(facts, 256, "q4_0") == full * 18 // 64
