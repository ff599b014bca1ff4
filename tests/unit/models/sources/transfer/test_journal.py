"""What is known of a file that is not complete, over kills and power cuts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.models.sources.transfer import journal
from llmd.models.sources.transfer.journal import Identity, Journal, Known
from llmd.models.sources.transfer.spans import Spans

DIGEST = "ab" * 32
WHOLE = Identity(100, "", '"v1"')


def written(path: Path) -> Path:
    with Journal(path, Known(WHOLE)) as notes:
        notes.came(0, 40)
        notes.mark(40, DIGEST)
        notes.came(60, 80)
        notes.lost(30, 40)
    return path


def test_everything_noted_is_read_back(tmp_path: Path) -> None:
    known = journal.read(written(tmp_path / "j"))
    assert known
    assert list(known.spans) == [(0, 30), (60, 80)]
    assert known.marks == {40: DIGEST}
    assert known.identity == WHOLE
    assert not known.rebooted


def test_a_torn_last_line_costs_that_line_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "j")
    with path.open("ab") as file:
        file.write(b"+ 90 10")
    known = journal.read(path)
    assert known
    assert list(known.spans) == [(0, 30), (60, 80)]


def test_nothing_behind_an_unreadable_line_is_believed(tmp_path: Path) -> None:
    path = written(tmp_path / "j")
    with path.open("ab") as file:
        file.write(b"\0\0\0\n+ 90 100\n")
    known = journal.read(path)
    assert known
    assert known.spans.total == 50


@given(st.binary(max_size=200))
def test_no_file_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    path.write_bytes(raw)
    journal.read(path)
    path.write_bytes(written(path).read_bytes() + raw)
    assert journal.read(path)


def test_after_a_reboot_only_what_marks_prove_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_boot", lambda: "before")
    path = written(tmp_path / "j")
    monkeypatch.setattr(journal, "_boot", lambda: "after")
    known = journal.read(path)
    assert known
    assert known.rebooted
    known.spans = Spans([(0, 55), (60, 80)])
    known.trust_marks_alone()
    assert list(known.spans) == [(0, 40)]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Identity(100, "", '"v1"'), True),
        (Identity(100, "", '"v2"'), False),
        (Identity(101, "", '"v1"'), False),
        (Identity(100, DIGEST, '"v1"'), True),
        (Identity(100, "", ""), False),
    ],
)
def test_versions_are_told_apart(other: Identity, same: bool) -> None:
    assert WHOLE.same(other) is same


def test_a_digest_counts_more_than_what_servers_call_a_version() -> None:
    assert Identity(9, DIGEST, '"a"').same(Identity(9, DIGEST, '"b"'))
    assert not Identity(9, DIGEST, '"a"').same(Identity(9, "cd" * 32, '"a"'))


def test_a_file_of_unknown_size_is_never_continued() -> None:
    assert not Identity(0, DIGEST).same(Identity(0, DIGEST))


def test_removing_it_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", Known(WHOLE)) as notes:
        notes.remove()
    assert list(tmp_path.iterdir()) == []
