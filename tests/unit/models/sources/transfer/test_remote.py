"""The values that go in and out of a transfer."""

from __future__ import annotations

from llmd.models.sources.transfer.remote import Remote


def test_a_file_is_taken_for_a_gguf_unless_told_otherwise() -> None:
    remote = Remote("https://host/m.gguf", "m.gguf")
    assert remote.magic == b"GGUF"
    assert (remote.size, remote.sha256, remote.etag, dict(remote.headers)) == (0, "", "", {})
