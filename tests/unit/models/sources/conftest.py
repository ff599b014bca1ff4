"""What the tests of several sources look at alike."""

from __future__ import annotations

import io

import msgspec

from llmd.models.sources.lines import Fetched, Line, Named, Progress


def check_named(said: io.BytesIO, fetched: Fetched) -> None:
    """See that the name was told once, as it came to be, and before anything was fetched."""
    lines = [msgspec.json.decode(line, type=Line) for line in said.getvalue().splitlines()]
    (named,) = (line for line in lines if isinstance(line, Named))
    assert named == Named(fetched.name, fetched.source, fetched.files[0])
    before = lines[: lines.index(named)]
    assert not any(isinstance(line, Progress) and line.status == "downloading" for line in before)
