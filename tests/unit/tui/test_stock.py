from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.catalog import Fit
from llmd.protocol.models import Kind, ModelState
from llmd.tui import stock
from llmd.tui.cells import Tone
from llmd.tui.jobs import Job, Order, Work
from llmd.tui.stock import Place, items, row, tokens
from tests.fakes.shelf import loaded, manifest, offer


def pulling(name: str, **fields: object) -> Job:
    order = Order(work=Work.PULL, model=name, body={"name": name})
    return Job(number=1, order=order, status="downloading", done=1, total=4, **fields)


def texts(item: stock.Item) -> dict[str, str]:
    return {
        column.name: cell.text for column, cell in zip(stock.COLUMNS, row(item).cells, strict=True)
    }


def test_what_is_in_memory_comes_before_what_is_on_disk_before_the_catalogue() -> None:
    models = [manifest("b"), manifest("A"), manifest("c")]
    found = items(models, [offer("z"), offer("y")], [loaded("c")])
    assert [item.name for item in found] == ["c", "A", "b", "z", "y"]
    assert [item.place for item in found] == [
        Place.MEMORY,
        Place.DISK,
        Place.DISK,
        Place.CATALOGUE,
        Place.CATALOGUE,
    ]


def test_an_entry_that_is_here_shows_once_with_what_the_catalogue_knows() -> None:
    entry = offer("qwen3-4b", installed=["qwen3-4b:Q8_0"], license="Apache-2.0")
    (item,) = items([manifest("qwen3-4b:Q8_0", quantization="Q8_0")], [entry])
    assert item.license == "Apache-2.0"
    assert item.abilities == ("chat", "tools")
    assert item.fit is Fit.TIGHT  # of the variant that is here


def test_a_model_nobody_knows_says_what_its_manifest_does() -> None:
    (item,) = items([manifest("own", vision=True)], [])
    assert item.abilities == ("chat", "vision")
    assert item.fit is Fit.UNKNOWN
    assert texts(item)["FITS"] == ""


def test_a_job_shows_at_the_variant_the_entry_and_the_name_the_daemon_uses() -> None:
    entry = offer("qwen3-4b")
    assert items([], [entry], jobs=[pulling("qwen3-4b:Q8_0")])[0].job
    assert items([], [entry], jobs=[pulling("qwen3-4b")])[0].job
    assert items([], [entry], jobs=[pulling("QWEN3", known_as="qwen3-4b")])[0].job
    assert not items([], [entry], jobs=[pulling("another")])[0].job


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ModelState.READY, "ready"),
        (ModelState.LOADING, "loading 40%"),
        (ModelState.WAITING, "waiting"),
    ],
)
def test_loaded_models_say_how_they_stand(state: ModelState, said: str) -> None:
    (item,) = items([manifest()], [], [loaded(state=state, progress=0.4)])
    assert texts(item)["STATE"] == said


def test_states_of_models_are_told_by_words_and_marks() -> None:
    pinned = items([manifest()], [], [loaded(pinned=True)])[0]
    assert (texts(pinned)["STATE"], texts(pinned)[""]) == ("pinned", "●")
    chosen = items([manifest()], [], defaults={"chat": "llmd-tiny", "vision": "llmd-tiny"})[0]
    assert chosen.default_for == ("chat", "vision")
    assert texts(chosen)["STATE"] == "default"
    fetched = items([], [offer()], jobs=[pulling("qwen3-4b")])[0]
    assert (texts(fetched)["STATE"], texts(fetched)[""]) == ("25%", "↓")


def test_a_row_is_told_by_its_name_whether_here_or_not() -> None:
    entry = offer("same")
    here = items([manifest("same")], [])[0]
    away = items([], [entry])[0]
    assert row(here).key != row(away).key
    assert row(here) == row(msgspec.structs.replace(here))


def test_what_does_not_fit_is_told_in_the_tone_of_an_error() -> None:
    cell = row(items([], [offer(fit=Fit.NO)])[0]).cells[3]
    assert (cell.text, cell.tone) == ("no", Tone.BAD)


def test_the_ability_that_all_have_is_left_out_beside_others() -> None:
    plain, able, vectors = items(
        [],
        [
            offer("a", capabilities=["chat"]),
            offer("b", capabilities=["chat", "tools"]),
            offer("c", kind=Kind.EMBEDDING, capabilities=["embedding"]),
        ],
    )
    assert [texts(item)["ABILITIES"] for item in (plain, able, vectors)] == [
        "chat",
        "tools",
        "embedding",
    ]


@pytest.mark.parametrize(
    ("count", "said"), [(131072, "128K"), (128000, "128K"), (512, "512"), (0, ""), (40960, "40K")]
)
def test_contexts_are_told_in_the_thousands_of_their_publisher(count: int, said: str) -> None:
    assert tokens(count) == said
