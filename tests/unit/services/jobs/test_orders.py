from __future__ import annotations

import pytest

from llmd.errors import AccessDenied
from llmd.protocol.integrity import FileHealth, Health, ModelHealth, Verified, VerifyProgress
from llmd.protocol.models import LoadProgress, PullProgress
from llmd.protocol.quantization import QuantizeProgress, Recipe
from llmd.services.jobs import (
    CheckOrder,
    Job,
    LoadOrder,
    Order,
    PullOrder,
    QuantizeOrder,
    Stage,
)
from llmd.services.jobs.orders import advanced, fault

ORDERS: dict[str, Order] = {
    "pull": PullOrder(model="m"),
    "quantize": QuantizeOrder(model="m", recipe=Recipe(type="Q4_K_M")),
    "load": LoadOrder(model="m"),
    "check": CheckOrder(model="m"),
}


def job(order: Order = ORDERS["pull"], **fields: object) -> Job:
    return Job(id="1", order=order, begun=1.0, **fields)  # type: ignore[arg-type]  # a test's shorthand


@pytest.mark.parametrize("work", list(ORDERS))
def test_a_job_knows_what_is_done(work: str) -> None:
    assert job(ORDERS[work]).work == work


def test_a_download_tells_how_far_it_is() -> None:
    event = PullProgress(
        status="downloading", name="m:Q8_0", done=25, total=100, rate=5, remaining=15, note="again"
    )
    found = advanced(job(), event)
    assert (found.name, found.share, found.rate, found.remaining) == ("m:Q8_0", 0.25, 5, 15)
    assert found.note == "again"


@pytest.mark.parametrize(
    "event",
    [
        QuantizeProgress(status="quantizing", name="n", done=50, total=100, rate=10),
        VerifyProgress(done=50, total=100, rate=10),
    ],
)
def test_what_is_left_is_reckoned_where_nobody_says_it(
    event: QuantizeProgress | VerifyProgress,
) -> None:
    found = advanced(job(), event)
    assert (found.share, found.remaining) == (0.5, 5.0)


def test_loading_is_told_as_a_share() -> None:
    assert advanced(job(), LoadProgress(status="loading", fraction=0.4)).share == 0.4


def test_a_damaged_model_is_a_fault_and_a_sound_one_is_none() -> None:
    sound = FileHealth(path="/a", state=Health.OK)
    torn = FileHealth(path="/b", state=Health.DAMAGED, reason="It is cut short.")
    well = advanced(job(), ModelHealth(name="m", files=[sound]))
    ill = advanced(job(), ModelHealth(name="m", files=[sound, torn], note="Fetch it again."))
    assert well.fault is None
    assert ill.fault
    assert (ill.fault.message, ill.fault.hint) == (
        "m is damaged. /b: It is cut short.",
        "Fetch it again.",
    )
    assert advanced(ill, Verified(models=1, damaged=["m"])).fault == ill.fault


@pytest.mark.parametrize(
    ("work", "stage", "lasting"),
    [
        ("pull", Stage.STOPPED, True),
        ("quantize", Stage.STOPPED, False),
        ("load", Stage.FAILED, True),
        ("pull", Stage.LEFT, True),
        ("pull", Stage.DONE, False),
    ],
)
def test_what_somebody_must_know_of_stays(work: str, stage: Stage, lasting: bool) -> None:
    found = job(ORDERS[work], stage=stage)
    assert (found.lasting, found.resumable) == (lasting, stage is not Stage.DONE)


def test_a_fault_says_what_the_error_said() -> None:
    found = fault(AccessDenied("It is gated.", hint="Accept it."))
    assert (found.code, found.message, found.hint) == (
        "access_denied",
        "It is gated.",
        "Accept it.",
    )
