from __future__ import annotations

import pytest

from llmd.protocol.models import PullProgress
from llmd.tui.lines import work
from tests.fakes.snapshots import BUSY, snapshot


def test_each_piece_of_work_has_a_line() -> None:
    pull, made, job = (line.plain for line in work.lines(BUSY, 120))
    assert pull.startswith("pull   gemma-3-12b")
    assert pull.endswith(" 38% 3.0 GB of 8.0 GB · 24.0 MB/s · 3m28 left")
    assert made.endswith(" 50% quantizing · 1.0 GB of 2.0 GB · tensor 120 of 400")
    assert job.endswith(" 35% downloading weights")


@pytest.mark.parametrize("width", [40, 76, 196])
def test_lines_fit_their_width(width: int) -> None:
    assert all(line.cell_length <= width for line in work.lines(BUSY, width))


def test_a_download_of_unknown_size_says_what_it_does() -> None:
    waiting = PullProgress(status="waiting", name="m", note="It waits for 22:00.")
    (line,) = work.lines(snapshot(downloads=[waiting]), 120)
    assert line.plain.endswith("  0% waiting · It waits for 22:00.")
