from __future__ import annotations

import json

from llmd.protocol.models import PullProgress
from llmd.server.dialects.control import convert
from tests.fakes.worker import manifest


def test_a_card_is_the_manifest_with_more() -> None:
    card = convert.model_card(manifest("m"), None, {"general.name": "x"})
    assert (card["name"], card["loaded"], card["metadata"]) == ("m", None, {"general.name": "x"})


def test_a_pull_ends_with_its_model() -> None:
    progress = json.loads(convert.pull_line(PullProgress(status="downloading", done=1, total=2)))
    assert (progress["status"], progress["done"]) == ("downloading", 1)
    assert json.loads(convert.pull_line(manifest("m")))["model"]["name"] == "m"
