from __future__ import annotations

import msgspec

from llmd.protocol.placement import LoadOptions, Plan
from llmd.runtime.cores import share_cores
from llmd.runtime.residence import Coming, Lifetime, Residence, Seat
from llmd.runtime.residency import Entry
from tests.fakes.worker import FakeWorker, manifest
from tests.unit.runtime.test_residence import HOOKS

PLAN = Plan(
    model="m",
    fits=True,
    uses=[],
    rooms=[],
    context_length=64,
    parallel=2,
    kv_tokens=128,
    kv_type="f16",
    layers=3,
)


def place(name: str, workers: int, gpu_layers: int = 0, cpu_moe: int = 0) -> Residence:
    plan = msgspec.structs.replace(PLAN, gpu_layers=gpu_layers, cpu_moe=cpu_moe)
    made = Residence(manifest(name), Entry(name), Lifetime(0), coming=Coming(LoadOptions(), plan))
    made.seats = [Seat(number, FakeWorker(name, HOOKS)) for number in range(workers)]
    return made


def busy(one: Residence, requests: int = 1) -> None:
    for worker in workers_of(one):
        worker.running = requests


def workers_of(one: Residence) -> list[FakeWorker]:
    return [seat.worker for seat in one.seats if isinstance(seat.worker, FakeWorker)]


def shares(places: dict[str, Residence]) -> list[list[int]]:
    share_cores(places)
    return [worker.shares for one in places.values() for worker in workers_of(one)]


def test_workers_with_requests_share_whatever_their_models() -> None:
    places = {"a": place("a", 2), "b": place("b", 1), "idle": place("idle", 1)}
    busy(places["a"])
    busy(places["b"], 2)
    assert shares(places) == [[3], [3], [3], []]
    busy(places["b"], 0)
    assert shares(places) == [[3, 2], [3, 2], [3], []]


def test_a_model_wholly_on_gpus_takes_no_cores_away() -> None:
    places = {
        "gpu": place("gpu", 1, gpu_layers=3),
        "half": place("half", 1, gpu_layers=2),
        "experts": place("experts", 1, gpu_layers=3, cpu_moe=1),
    }
    for one in places.values():
        busy(one)
    assert shares(places) == [[], [2], [2]]
