"""NVML is a fake here: what it answers is what nvidia-ml-py returns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from llmd.runtime.nvidia import Usage, usage


def answers(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> list[str]:
    closed: list[str] = []
    plain = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: closed.append("closed"),
        "nvmlDeviceGetHandleByPciBusId": lambda bus: bus,
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=1000, free=400),
        "nvmlDeviceGetComputeRunningProcesses": lambda _: [
            SimpleNamespace(pid=1, usedGpuMemory=100),
            SimpleNamespace(pid=2, usedGpuMemory=250),
        ],
        "nvmlDeviceGetGraphicsRunningProcesses": lambda _: [
            SimpleNamespace(pid=2, usedGpuMemory=250),
            SimpleNamespace(pid=3, usedGpuMemory=None),
        ],
    }
    for name, function in {**plain, **functions}.items():
        monkeypatch.setattr(pynvml, name, function)
    return closed


def failing(*_: object) -> None:
    raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)


def test_others_are_told_from_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = answers(monkeypatch)
    assert usage("0000:c1:00.0", [1]) == Usage(1000, 400, 250)
    assert usage("0000:c1:00.0", [1, 2]) == Usage(1000, 400, 0)
    assert closed == ["closed", "closed"]


def test_a_container_may_hide_who_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, nvmlDeviceGetComputeRunningProcesses=failing)
    assert usage("0000:c1:00.0", []) == Usage(1000, 400, None)


def test_a_machine_without_the_driver_has_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, nvmlInit=failing)
    assert usage("0000:c1:00.0", []) is None


def test_a_device_that_nvml_does_not_know_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = answers(monkeypatch, nvmlDeviceGetHandleByPciBusId=failing)
    assert usage("0000:c1:00.0", []) is None
    assert closed == ["closed"]
