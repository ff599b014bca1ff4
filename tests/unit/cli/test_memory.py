from __future__ import annotations

import pytest

from llmd.cli.memory import print_memory, print_plan


def use(device: str, **parts: int) -> dict[str, object]:
    return {"device": device, "parts": parts, "mapped": 0}


def test_planned_and_measured_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    models = [
        {
            "name": "m",
            "predicted": [use("CUDA0", weights=4_000_000_000), use("CPU", process=90_000_000)],
            "measured": [use("CUDA0", weights=4_100_000_000), use("CPU", process=80_000_000)],
        },
        {"name": "loading", "predicted": [use("CPU", weights=1000)], "measured": []},
    ]
    print_memory(models)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "MEMORY OF DEVICE WEIGHTS PROCESS TOTAL".split()
    assert lines[1] == ["m", "CUDA0", "planned", "4.0", "GB", "4.0", "GB"]
    assert lines[2] == ["CUDA0", "measured", "4.1", "GB", "4.1", "GB"]
    assert [line[1] if line[0] == "m" else line[0] for line in lines[3:5]] == ["CPU", "CPU"]
    assert len(lines) == 6, "what is not measured yet has one line"


def test_parts_that_nobody_has_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan([use("CPU", weights=1000, draft=0)], [{"device": "CPU", "free": 2000}])
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["DEVICE", "WEIGHTS", "TOTAL", "FREE"]
    assert row.split() == ["CPU", "1.0", "kB", "1.0", "kB", "2.0", "kB"]
