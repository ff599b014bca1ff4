from __future__ import annotations

from llmd.models.placement.subject import Extras, Subject, context_size, process_size
from tests.unit.models.placement.conftest import MIB, facts


def test_a_vocabulary_costs_by_its_tokens_and_merges() -> None:
    small = process_size(Subject("m", facts(vocabulary=0)), cells=0)
    large = process_size(Subject("m", facts(vocabulary=151_936), merges=151_387), cells=65_536)
    # a worker with that vocabulary held 149 MiB beside its buffers, one with a tiny one 61
    assert abs(small / MIB - 61) < 7
    assert abs(large / MIB - 149) < 15


def test_a_draft_model_brings_a_vocabulary_of_its_own() -> None:
    alone = process_size(Subject("m", facts()), cells=0)
    both = process_size(Subject("m", facts(), extras=Extras(draft=facts())), cells=0)
    assert both - alone == 32_000 * 500


def test_only_some_drivers_keep_much_for_a_process() -> None:
    assert context_size("CUDA0") > context_size("Vulkan0") == context_size("MTL0") == 0
