from __future__ import annotations

import msgspec

from llmd.protocol.catalog import CatalogFault, Fit, Offer, Offers, Variant
from llmd.protocol.models import Kind, SamplingDefaults


def test_offers_travel_as_json() -> None:
    variant = Variant(name="m:Q4_0", quantization="Q4_0", size=5, fit=Fit.TIGHT)
    offer = Offer(
        alias="m",
        also=["m:1b"],
        source="a/b",
        kind=Kind.CHAT,
        parameters=1,
        active=0,
        license="MIT",
        context=0,
        capabilities=["chat"],
        sampling=SamplingDefaults(top_k=20),
        projector="",
        draft="",
        description="",
        tags=[],
        quantization="Q4_0",
        size=5,
        fit=Fit.TIGHT,
        variants=[variant],
        installed=[],
        own=True,
    )
    offers = Offers(models=[offer], faults=[CatalogFault("/c", 1, "x", "why")])
    wire = msgspec.json.encode(offers)
    assert msgspec.json.decode(wire, type=Offers) == offers
    plain = msgspec.json.decode(wire)["models"][0]
    assert plain["fit"] == "tight"
    assert plain["sampling"] == {"top_k": 20}
