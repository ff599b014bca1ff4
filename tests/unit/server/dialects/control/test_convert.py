from __future__ import annotations

import json
from pathlib import Path

from llmd.models.catalog import Entry
from llmd.models.gguf.reading import read_model
from llmd.protocol.accounts import ApiKey
from llmd.protocol.adoption import Failure
from llmd.protocol.integrity import DiskUse
from llmd.protocol.models import PullProgress
from llmd.protocol.usage import Used
from llmd.server.dialects.control import convert
from llmd.services.descriptions import Card, file_card
from tests.fakes.worker import manifest


def test_a_card_is_the_manifest_with_what_its_file_tells(tiny_model: Path) -> None:
    file = file_card(read_model(tiny_model))
    card = convert.model_card(Card(manifest=manifest("m"), file=file))
    assert (card["state"], card["name"], card["loaded"]) == ("installed", "m", None)
    assert card["metadata"]["general.architecture"] == "qwen2"
    assert card["facts"]["layers"][0]["heads"] == 8
    assert card["description"]["sort"] == "model"
    assert card["files"] == manifest("m").files, "with the projector"
    assert json.loads(json.dumps(card)) == card


def test_a_card_without_a_readable_file_says_why() -> None:
    card = convert.model_card(Card(manifest=manifest("m"), problem="It is gone."))
    assert (card["name"], card["problem"]) == ("m", "It is gone.")
    assert "facts" not in card


def test_a_file_that_is_not_registered_goes_by_its_own_name(tiny_model: Path) -> None:
    card = convert.model_card(Card(file=file_card(read_model(tiny_model))))
    assert (card["state"], card["name"]) == ("file", tiny_model.name)
    assert card["path"] == str(tiny_model)


def test_an_entry_of_the_catalogue_is_shown_as_it_stands_there() -> None:
    entry = Entry(alias="m", source="owner/repo")
    card = convert.model_card(Card(entry=entry, quantization="Q8_0"))
    assert (card["state"], card["entry"]["alias"], card["quantization"]) == (
        "catalogue",
        "m",
        "Q8_0",
    )


def test_a_pull_ends_with_its_model() -> None:
    progress = json.loads(convert.pull_line(PullProgress(status="downloading", done=1, total=2)))
    assert (progress["status"], progress["done"]) == ("downloading", 1)
    assert json.loads(convert.pull_line(manifest("m")))["model"]["name"] == "m"


def test_an_adoption_goes_on_behind_a_failure() -> None:
    line = json.loads(convert.adoption_line(Failure("m", "It cannot be linked.")))
    assert line == {"failed": {"name": "m", "reason": "It cannot be linked."}}
    assert json.loads(convert.adoption_line(manifest("m")))["model"]["name"] == "m"


def test_disk_use_comes_with_its_sum() -> None:
    use = DiskUse(
        models=[], owned=1, foreign=9, prefixes=2, partial=3, logs=4, records=5, garbage=6, free=7
    )
    assert convert.disk_use(use)["total"] == 15


def test_usage_goes_to_its_key_and_keys_without_any_stay() -> None:
    keys = [
        ApiKey(id=key, prefix=f"llmd-{key}", user=user, created_at=0)
        for key, user in (("a", "u"), ("b", ""))
    ]
    used = [
        Used(subject="key:a", start=0.0, tokens=5, answers=1),
        Used(subject="key:gone", start=0.0, tokens=9, answers=1),
        Used(subject="key:a", start=86_400.0, tokens=6, answers=2),
    ]
    first, second = convert.usage(keys, {"u": "ann"}, used)
    assert (first.prefix, first.user) == ("llmd-a", "ann")
    assert [(day.start, day.tokens, day.answers) for day in first.days] == [
        (0.0, 5, 1),
        (86_400.0, 6, 2),
    ]
    assert (second.user, second.days) == ("", [])
