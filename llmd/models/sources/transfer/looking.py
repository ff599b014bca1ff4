"""Looks at a file on a server before it is fetched: its size, its version, its first bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from llmd.errors import CorruptFile
from llmd.models.sources.transfer.exchange import Exchange
from llmd.models.sources.transfer.remote import Remote

_PARTIAL_CONTENT = 206
_SEEN = 512
_RANGE = re.compile(r"bytes (?:(?P<start>\d+)-\d+|\*)/(?P<total>\d+|\*)")
_PAGE = re.compile(rb"\s*<(?:!doctype|html|head|\?xml)", re.IGNORECASE)


def look(exchange: Exchange, remote: Remote) -> tuple[Remote, Mapping[str, str]]:
    """Return the remote with what the server says of it, and all headers of its answer.

    Raises Cut, Refused, DownloadFailed, and CorruptFile when it is something else than it should.
    """
    answer = exchange.get(remote.url, remote.headers, {"Range": f"bytes=0-{_SEEN - 1}"})
    check_beginning(remote, answer.body(_SEEN))
    total = ranged(answer.headers)[1]
    size = total if answer.status == _PARTIAL_CONTENT else (answer.length or 0)
    found = replace(remote, size=remote.size or size, etag=version(answer.headers))
    return found, answer.headers


def check_beginning(remote: Remote, data: bytes) -> None:
    """Raise CorruptFile when a file does not begin as it should."""
    begun = data[: len(remote.magic)]
    if begun == remote.magic[: len(begun)]:
        return
    what = "a web page" if _PAGE.match(data) else f"something that begins with {begun!r}"
    raise CorruptFile(
        f"{remote.name} is no GGUF file: the server sent {what}.",
        hint="Check the address: it must lead to the file itself, not to a page about it.",
    )


def ranged(headers: Mapping[str, str]) -> tuple[int, int]:
    """Return where an answer begins in the file, and the file's size; -1 and 0 where unsaid."""
    match = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if match is None:
        return -1, 0
    total = 0 if match["total"] == "*" else int(match["total"])
    return int(match["start"] or -1), total


def version(headers: Mapping[str, str]) -> str:
    """Return what tells versions of a file apart: a strong ETag, else Last-Modified (RFC 9110,
    section 13.1.5).
    """
    etag = headers.get("etag", "").strip()
    strong = etag and not etag.startswith(("W/", "w/"))
    return etag if strong else headers.get("last-modified", "").strip()
