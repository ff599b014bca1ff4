from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

GIB = 2**30
PLAN: dict[str, Any] = {
    "model": "llmd-tiny",
    "fits": True,
    "uses": [
        {"device": "CUDA0", "parts": {"weights": 4 * GIB, "kv_cache": GIB}, "mapped": 0},
        {"device": "CPU", "parts": {"weights": GIB, "process": GIB // 8}, "mapped": GIB},
    ],
    "rooms": [
        {"device": "CUDA0", "total": 8 * GIB, "free": 7 * GIB},
        {"device": "CPU", "total": 64 * GIB, "free": 32 * GIB},
    ],
    "context_length": 8192,
    "parallel": 16,
    "kv_tokens": 32_768,
    "kv_type": "f16",
    "layers": 33,
    "gpu_layers": 30,
    "cpu_moe": 0,
    "tensor_split": [],
    "mapped": True,
    "locked": False,
    "shelf_memory": 0,
    "shrunk": True,
    "notes": ["30 of 33 layers fit on GPUs."],
    "problem": "",
    "remedies": [],
    "evicted": ["old"],
    "load_seconds": 12.0,
    "corrected": True,
    "rough": False,
}
REFUSED = {
    **PLAN,
    "fits": False,
    "problem": "llmd-tiny needs too much.",
    "remedies": [{"text": "A context of 512 tokens fits.", "options": {"context_length": 512}}],
}


def test_a_plan_is_a_table_by_device_and_what_was_settled(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/plan"] = PLAN
    done = llmd("plan", "llmd-tiny")
    assert done.code == 0
    head, first, second, *_ = done.out.splitlines()
    assert head.split() == "DEVICE WEIGHTS KV CACHE PROCESS TOTAL FREE".split()
    assert first.split()[:3] == ["CUDA0", "4.3", "GB"]
    assert second.startswith("CPU")
    assert "8192 tokens x 16 sequences" in done.out
    assert "30 of 33 layers" in done.out
    assert "about 12 s" in done.out
    assert "unloads   old" in done.out
    assert "corrected by earlier loads" in done.out
    assert done.out.endswith("30 of 33 layers fit on GPUs.\n")


def test_options_go_to_the_daemon(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/plan"] = PLAN
    llmd("plan", "m", "--ctx", "512", "--kv-type", "q8_0", "--gpu-layers", "3", "--cpu")
    assert daemon.body("/control/plan") == {
        "model": "m",
        "options": {
            "context_length": 512,
            "kv_type": "q8_0",
            "gpu_layers": 3,
            "prefer_gpu": False,
        },
    }


def test_what_does_not_fit_is_shown_and_fails(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers["/control/plan"] = REFUSED
    done = llmd("plan", "llmd-tiny")
    assert done.code == 1
    assert "CUDA0" in done.out
    assert "llmd-tiny needs too much. A context of 512 tokens fits." in done.err


@pytest.mark.parametrize(("answer", "code"), [(PLAN, 0), (REFUSED, 1)])
def test_json_is_the_plan_as_it_is(
    llmd: Llmd, daemon: FakeDaemon, answer: dict[str, Any], code: int
) -> None:
    daemon.answers["/control/plan"] = answer
    done = llmd("plan", "--json")
    assert done.json == answer
    assert done.code == code
