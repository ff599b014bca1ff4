from __future__ import annotations

import msgspec

from llmd.protocol.devices import Gpu, Sighting


def test_what_was_seen_comes_through_a_pipe() -> None:
    seen = Sighting([Gpu("CUDA0", "A card", 100, 70, "0000:c1:00.0")], "AVX2 = 1")
    assert msgspec.json.decode(msgspec.json.encode(seen), type=Sighting) == seen
