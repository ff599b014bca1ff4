"""The lines between a source program and the daemon."""

from __future__ import annotations

import msgspec
import pytest

from llmd.errors import DownloadFailed
from llmd.models.sources.lines import Failed, Fetched, Line, Named, Progress


@pytest.mark.parametrize(
    "line",
    [
        Progress("downloading", "m.gguf", 5, 10),
        Named("m", "https://host/m.gguf", "/m.gguf"),
        Fetched(["/m.gguf"], "acme/m", "main", "Q8_0", fresh=True),
        Failed(DownloadFailed("no").to_wire()),
    ],
)
def test_each_line_tells_its_kind(line: Line) -> None:
    encoded = msgspec.json.encode(line)
    assert b"\n" not in encoded
    assert msgspec.json.decode(encoded, type=Line) == line
