from __future__ import annotations

import pytest

from llmd.cli.completing import names
from llmd.cli.completing.kinds import Kind


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.FILES])
def test_names_of_every_kind_can_be_found(kind: Kind) -> None:
    assert kind.value in names._KINDS


def test_typer_itself_offers_nothing() -> None:
    assert Kind.MODELS.names("q") == []
