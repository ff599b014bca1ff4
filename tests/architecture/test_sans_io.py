"""Habit 9: decisions are values in, values out; what decides neither waits nor does I/O."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.conftest import PACKAGE, imported, modules, relative

PURE = [
    *modules(PACKAGE / "chat"),
    *(
        path
        for path in modules(PACKAGE / "models" / "placement")
        if path.name not in {"__init__.py", "experience.py"}
    ),
    *modules(PACKAGE / "models" / "quantization"),
    *modules(PACKAGE / "protocol"),
    *sorted((PACKAGE / "server" / "dialects").glob("*/convert.py")),
    *modules(PACKAGE / "models" / "presets"),
    *(
        PACKAGE / name
        for name in (
            "config/hours.py",
            "config/settings.py",
            "config/values.py",
            "engine/grammar/gate.py",
            "engine/grammar/gbnf.py",
            "engine/grammar/gbnf_reader.py",
            "engine/grammar/matcher.py",
            "engine/grammar/source.py",
            "engine/drafting/budget.py",
            "engine/drafting/drafter.py",
            "engine/drafting/ngram.py",
            "engine/drafting/pace.py",
            "engine/drafting/speculator.py",
            "engine/quantizing.py",
            "engine/scheduler.py",
            "engine/sequence.py",
            "engine/stopping.py",
            "errors.py",
            "models/bandwidth.py",
            "models/ordering.py",
            "models/sources/transfer/lanes.py",
            "models/sources/transfer/patience.py",
            "models/sources/transfer/spans.py",
            "models/variants.py",
            "models/catalog/entry.py",
            "models/catalog/finding.py",
            "models/catalog/reading.py",
            "models/catalog/resolution.py",
            "models/references.py",
            "runtime/residency/dispatch.py",
            "runtime/residency/history.py",
            "runtime/residency/ledger.py",
            "runtime/residency/policy.py",
            "runtime/residency/pressure.py",
            "runtime/residency/wishes.py",
            "runtime/supervisor.py",
            "security/api_keys.py",
            "security/claims.py",
            "security/exposure.py",
            "security/naming.py",
            "security/passwords.py",
            "security/scopes.py",
            "security/stamps.py",
            "security/throttle.py",
            "security/tokens.py",
        )
    ),
]
OUTSIDE = {
    "aiohttp",
    "asyncio",
    "concurrent",
    "http",
    "llama_cpp",
    "multiprocessing",
    "select",
    "selectors",
    "socket",
    "subprocess",
    "threading",
    "urllib",
}


@pytest.mark.parametrize("module", PURE, ids=relative)
def test_a_module_that_decides_does_no_io(module: Path) -> None:
    assert {name.partition(".")[0] for name in imported(module)} & OUTSIDE == set()


@pytest.mark.parametrize(
    "module", [path for path in PURE if path.name != "convert.py"], ids=relative
)
def test_a_module_that_decides_does_not_look_at_the_clock(module: Path) -> None:
    assert {name for name in imported(module) if name.partition(".")[0] == "time"} == set()
