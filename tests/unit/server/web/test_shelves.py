from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.directory import Ability
from llmd.protocol.models import Activity, Kind, LoadedModel, ModelState
from llmd.protocol.placement import DeviceRoom, DeviceUse, Parts, Plan
from llmd.server.web import shelves
from llmd.services.defaults import DefaultModel, Purpose
from llmd.services.jobs import Job, LoadOrder
from llmd.services.portraits import Portrait
from llmd.services.stock import Shelf, Shelved
from tests.fakes.snapshots import snapshot
from tests.fakes.worker import manifest


def loaded(name: str = "m", **fields: object) -> LoadedModel:
    plain = {"state": ModelState.READY, "kind": Kind.CHAT, "pid": 1}
    return LoadedModel(name=name, **{**plain, **fields})  # type: ignore[arg-type]  # a test's shorthand


def use(device: str = "CPU", **parts: int) -> DeviceUse:
    return DeviceUse(device=device, parts=Parts(**parts))


def shelf(*names: str, abilities: list[Ability] | None = None) -> Shelf:
    portrait = Portrait("t", "", "", abilities or [Ability.CHAT, Ability.COMPLETION], "mit")
    models = [Shelved(manifest=manifest(name), portrait=portrait) for name in names]
    chosen = DefaultModel(purpose=Purpose.CHAT, model=names[0] if names else "", chosen=True)
    return Shelf(models, (), [chosen])


def test_rows_begin_with_what_is_loaded_and_know_what_is_done_with_a_model() -> None:
    job = Job(id="1", order=LoadOrder(model="c"), begun=0.0)
    rows = shelves.rows(shelf("a", "B", "c"), [loaded("c")], [job])
    assert [row.model.name for row in rows] == ["c", "a", "B"]
    assert [row.job for row in rows] == [job, None, None]
    assert [row.purposes for row in rows] == [[], ["chat"], []]
    assert {row.abilities[0] for row in rows} == {"chat"}
    assert all(row.abilities == ["chat"] and row.license == "mit" for row in rows)


def test_a_model_that_can_do_nothing_but_go_on_says_so() -> None:
    (row,) = shelves.rows(shelf("a", abilities=[Ability.COMPLETION]), [], [])
    assert row.abilities == ["completion"]


@pytest.mark.parametrize("name", ["a/b:c", '"><script>', "模型"])
def test_keys_of_elements_are_letters_and_digits(name: str) -> None:
    (row,) = shelves.rows(shelf(name), [], [])
    assert row.key.isalnum()


def test_a_card_shows_what_is_taken_within_what_was_planned() -> None:
    model = loaded(
        kv_tokens=1000,
        activity=Activity(kv_used=500, kv_parked=300, generated_per_second=7.5),
        predicted=[use(weights=60, kv_cache=40)],
        measured=[use(weights=30, process=20)],
    )
    (card,) = shelves.cards(snapshot([model]))
    assert (card.cells, card.held, card.speed, card.ready) == (50.0, 20.0, 7.5, True)
    (bar,) = card.bars
    assert (bar.taken, bar.planned, bar.over) == (50, 100, False)
    pieces = [(piece.part, piece.start, piece.width) for piece in bar.pieces]
    assert pieces == [("weights", 0.0, 30.0), ("process", 30.0, 20.0)]


def test_more_than_planned_fills_the_bar_and_says_so() -> None:
    (bar,) = shelves.measured(loaded(predicted=[use(weights=10)], measured=[use(weights=40)]))
    assert bar.over
    assert bar.pieces[-1].width == 100.0


def test_devices_that_only_one_side_knows_are_shown() -> None:
    model = loaded(predicted=[use("CUDA0", weights=10)], measured=[use("CPU", process=1)])
    assert [(bar.device, bar.planned, bar.taken) for bar in shelves.measured(model)] == [
        ("CUDA0", 10, 0),
        ("CPU", 0, 1),
    ]


@pytest.mark.parametrize(("weights", "over"), [(40, False), (60, True)])
def test_a_plan_is_drawn_beside_what_others_have(weights: int, over: bool) -> None:
    plan = Plan(
        model="m",
        fits=not over,
        uses=[use(weights=weights)],
        rooms=[DeviceRoom(device="CPU", total=100, free=50)],
        context_length=1,
        parallel=1,
        kv_tokens=1,
        kv_type="f16",
        layers=1,
    )
    (bar,) = shelves.planned(plan)
    assert bar.over is over
    assert [piece.part for piece in bar.pieces] == ["others", "weights"]
    assert sum(piece.width for piece in bar.pieces) == pytest.approx(100 if over else 90, abs=0.1)


def test_only_models_that_can_are_offered_as_defaults() -> None:
    seeing = manifest("eyes")
    seeing = msgspec.structs.replace(seeing, vision=True)
    vectors = msgspec.structs.replace(manifest("vectors"), kind=Kind.EMBEDDING)
    ranks = msgspec.structs.replace(manifest("ranks"), kind=Kind.RERANK)
    able = {
        purpose: [m.name for m in (seeing, vectors, ranks) if shelves.able(m, purpose)]
        for purpose in Purpose
    }
    assert able == {
        Purpose.CHAT: ["eyes"],
        Purpose.VISION: ["eyes"],
        Purpose.EMBEDDING: ["eyes", "vectors"],
        Purpose.RERANK: ["ranks"],
    }
    (choice,) = shelves.choices(shelf("a", "b"))
    assert (choice.purpose, choice.model, choice.able) == ("chat", "a", ["a", "b"])
