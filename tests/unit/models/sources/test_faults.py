"""What the hub's client raises, in llmd's words."""

from __future__ import annotations

import errno
import json

import httpx2
import pytest
from huggingface_hub import errors as hub

from llmd.errors import (
    AccessDenied,
    DownloadFailed,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    NoRoom,
)
from llmd.models.sources.faults import translate


def answer(status: int, kind: type[hub.HfHubHTTPError] = hub.HfHubHTTPError) -> hub.HfHubHTTPError:
    response = httpx2.Response(status, request=httpx2.Request("GET", "http://hub/api/models/a/b"))
    return kind("no", response=response)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (answer(403, hub.GatedRepoError), AccessDenied, "gated"),
        (answer(401, hub.RepositoryNotFoundError), ModelNotFound, "private"),
        (answer(404, hub.RemoteEntryNotFoundError), DownloadFailed, "vanished"),
        (answer(404, hub.RevisionNotFoundError), DownloadFailed, "vanished"),
        (hub.HFValidationError("no"), InvalidRequest, "not a repository name"),
        (answer(401), AccessDenied, "HTTP 401"),
        (answer(403), AccessDenied, "HTTP 403"),
        (answer(429), DownloadFailed, "too many requests"),
        (answer(502), DownloadFailed, "HTTP 502"),
        (httpx2.ConnectError("refused"), DownloadFailed, "No connection"),
        (httpx2.ReadTimeout("slow"), DownloadFailed, "No connection"),
        (hub.LocalEntryNotFoundError("no"), DownloadFailed, "No connection"),
        (hub.OfflineModeIsEnabled("no"), DownloadFailed, "HF_HUB_OFFLINE"),
        (hub.FileMetadataError("no"), DownloadFailed, "does not answer like"),
        (json.JSONDecodeError("no", "<html>", 0), DownloadFailed, "does not answer like"),
        (OSError(errno.ENOSPC, "full"), NoRoom, "disk is full"),
        (PermissionError(errno.EACCES, "denied"), DownloadFailed, "could not be stored"),
    ],
)
def test_each_fault_has_its_words_and_a_next_step(
    error: Exception, kind: type[LlmdError], words: str
) -> None:
    found = translate(error, "a/b")
    assert type(found) is kind
    assert words in found.message
    assert found.hint
