"""How failures are told."""

from __future__ import annotations

import errno

import pytest

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound, NoRoom
from llmd.models.sources.transfer.faults import Cut, Refused, disk_fault, explained


def refused(status: int, **headers: str) -> Refused:
    return Refused(status, "http://h/m", headers, b"")


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Cut("timed out"), DownloadFailed, "No connection for m: timed out"),
        (refused(401), AccessDenied, "HTTP 401"),
        (refused(403), AccessDenied, "HTTP 403"),
        (refused(404), ModelNotFound, "has no m"),
        (refused(410), ModelNotFound, "has no m"),
        (refused(429), DownloadFailed, "too many requests"),
        (refused(500), DownloadFailed, "HTTP 500"),
        (refused(418), DownloadFailed, "HTTP 418"),
    ],
)
def test_each_has_its_words_and_a_next_step(
    fault: Cut | Refused, kind: type[LlmdError], words: str
) -> None:
    error = explained(fault, "m")
    assert type(error) is kind
    assert words in error.message
    assert error.hint


def test_a_server_that_says_how_long_is_quoted() -> None:
    assert "3600 seconds" in explained(refused(429, **{"retry-after": "3600"}), "m").hint


@pytest.mark.parametrize(
    ("status", "passing"), [(408, True), (429, True), (503, True), (404, False), (501, False)]
)
def test_what_may_pass_is_known(status: int, passing: bool) -> None:
    assert refused(status).passing is passing


def test_a_full_disk_is_told_from_other_faults_of_it() -> None:
    assert isinstance(disk_fault(OSError(errno.ENOSPC, "full"), "/m"), NoRoom)
    assert isinstance(disk_fault(OSError(errno.EFBIG, "large"), "/m"), NoRoom)
    assert isinstance(disk_fault(OSError(errno.EROFS, "read-only"), "/m"), DownloadFailed)
