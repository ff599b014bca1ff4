from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmd.runtime.accounting import cpu_seconds, oom_kills


def test_cpu_time_grows_with_what_a_process_computes() -> None:
    before = cpu_seconds(os.getpid())
    while cpu_seconds(os.getpid()) <= before:
        sum(range(10_000))


def test_a_process_that_is_gone_has_used_none() -> None:
    assert cpu_seconds(2**31 - 1) == 0


@pytest.mark.parametrize(("text", "count"), [("pgfault 5\noom_kill 3\n", 3), ("pgfault 5\n", 0)])
def test_what_the_out_of_memory_killer_did_is_counted(
    tmp_path: Path, text: str, count: int
) -> None:
    (tmp_path / "vmstat").write_text(text)
    assert oom_kills(tmp_path / "vmstat") == count
    assert oom_kills(tmp_path / "none") == 0
