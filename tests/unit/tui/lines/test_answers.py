from __future__ import annotations

from llmd.protocol.reports import RequestList
from llmd.tui.lines import answers
from tests.fakes.snapshots import request, snapshot


def test_those_at_work_stand_before_those_that_wait() -> None:
    lines = [line.plain.split() for line in answers.lines(snapshot(), 120)]
    assert [words[0] for words in lines] == ["writing", "reading", "queued"]
    assert lines[0][1:] == ["qwen3-4b", "user:ann", "1.2k", "read", "96", "written", "41.3", "t/s"]


def test_many_are_counted_and_all_lines_fit() -> None:
    many = snapshot(requests=RequestList([request(number) for number in range(40)], []))
    for width in (76, 196):
        lines = answers.lines(many, width)
        assert len(lines) == 13
        assert lines[-1].plain == "and 28 more"
        assert max(line.cell_length for line in lines) <= width
