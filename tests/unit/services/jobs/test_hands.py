from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import InvalidRequest, ModelNotFound
from llmd.protocol.integrity import Verified
from llmd.protocol.models import LoadProgress, ModelManifest
from llmd.protocol.quantization import Recipe
from llmd.services.jobs import CheckOrder, Hands, LoadOrder, Order, PullOrder, QuantizeOrder
from tests.fakes.gguf import write
from tests.unit.services.conftest import Bench

RECIPE = Recipe(type="Q4_K_M")


@pytest.fixture
def hands(bench: Bench) -> Hands:
    services = bench.services
    return Hands(services.pulls, services.quantization, services.residents, services.verification)


@pytest.mark.parametrize(
    ("order", "last"),
    [
        (LoadOrder(model="llmd-tiny"), LoadProgress),
        (CheckOrder(model="llmd-tiny"), Verified),
        (QuantizeOrder(model="m", recipe=RECIPE), ModelManifest),
        (PullOrder(model="llmd-tiny"), ModelManifest),
    ],
)
async def test_each_order_goes_to_the_service_that_does_it(
    bench: Bench, hands: Hands, order: Order, last: type, tmp_path: Path
) -> None:
    bench.store.register(write(tmp_path / "m.gguf", {"general.file_type": 1}), "m")
    events = [event async for event in hands(order)]
    assert isinstance(events[-1], last)
    await bench.pool.close()


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (LoadOrder(model="nobody"), ModelNotFound),
        (CheckOrder(model="nobody"), ModelNotFound),
        (QuantizeOrder(model="nobody", recipe=RECIPE), ModelNotFound),
        (PullOrder(model="no such: name?"), InvalidRequest),
    ],
)
async def test_what_cannot_be_done_is_refused_as_the_service_refuses_it(
    hands: Hands, order: Order, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await anext(hands(order))
