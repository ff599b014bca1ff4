from __future__ import annotations

import msgspec

from llmd.protocol.templates import Trial, Verdict


def test_what_is_tried_and_how_it_went_survive_the_way() -> None:
    for sent in (Trial("{{ '中' }}", own="x"), Verdict(fault="leaves it out.", same=False)):
        assert msgspec.json.decode(msgspec.json.encode(sent), type=type(sent)) == sent
