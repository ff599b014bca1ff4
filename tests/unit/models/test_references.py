"""What a typed name can mean."""

from __future__ import annotations

from llmd.models.references import HubReference, ModelScopeReference, OllamaReference


def test_equal_references_are_one_key() -> None:
    assert len({HubReference("a/b", "Q4_0"), HubReference("a/b", "Q4_0", "")}) == 1
    assert len({HubReference("a/b"), HubReference("a/b", revision="dev")}) == 2


def test_the_same_repository_on_two_sites_is_two_things() -> None:
    assert HubReference("a/b") != ModelScopeReference("a/b")
    assert OllamaReference("a/b") != HubReference("a/b")
