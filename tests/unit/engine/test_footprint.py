from __future__ import annotations

from pathlib import Path

from llmd.engine.footprint import Footprint, Section
from llmd.engine.loading import open_model
from tests.unit.engine.conftest import load_order

MIB = 2**20


def test_lines_are_added_up_by_kind_and_buffer() -> None:
    found = Footprint()
    for line in (
        "load_tensors:   CPU_Mapped model buffer size =    10.50 MiB",
        "load_tensors:   CPU_Mapped model buffer size =     1.50 MiB",
        "llama_kv_cache:        CPU KV buffer size =     8.00 MiB",
        "llama_kv_cache:      CUDA0 KV buffer size =     4.00 MiB",
        "something else entirely",
    ):
        found.take(line)
    assert found.sizes(Section.MODEL, "model") == {"CPU_Mapped": 12 * MIB}
    assert found.sizes(Section.MODEL, "KV") == {"CPU": 8 * MIB, "CUDA0": 4 * MIB}
    assert found.total(Section.MODEL) == 24 * MIB
    assert found.total(Section.DRAFT) == 0


def test_a_context_that_plans_anew_is_not_counted_twice() -> None:
    found = Footprint()
    for _ in range(2):
        found.take("sched_reserve:        CPU compute buffer size =    42.00 MiB")
    assert found.total(Section.MODEL, "compute") == 42 * MIB


def test_what_comes_later_is_no_part_of_it() -> None:
    found = Footprint()
    found.section = Section.LATER
    found.take("llama_kv_cache:        CPU KV buffer size =     8.00 MiB")
    assert found.total(Section.LATER) == 0


def test_what_was_given_back_does_not_count() -> None:
    found = Footprint()
    found.take("llama_context:        CPU  output buffer size =    42.00 MiB")
    found.take("sched_reserve:        CPU compute buffer size =    10.00 MiB")
    found.give_back("output")
    assert found.sizes(Section.MODEL) == {"CPU": 10 * MIB}


def test_llama_cpp_still_writes_the_lines_that_are_read(tiny_model: Path) -> None:
    opened = open_model(load_order(tiny_model, kv_tokens=4096), lambda _: None, lambda *_: None)
    found = opened.footprint
    assert found.section is Section.LATER
    assert opened.engine
    # 4 layers with 4 heads of 32 elements, keys and values, two bytes each
    assert found.total(Section.MODEL, "KV") == opened.ready.kv_cache == 4096 * 4 * 4 * 32 * 2 * 2
    assert found.total(Section.MODEL, "model") > 4 * MIB
    assert found.total(Section.MODEL, "compute") > MIB
    assert found.total(Section.MODEL, "output") > 0
    opened.engine.close()


def test_llama_cpp_still_writes_of_states_too(recurrent_model: Path) -> None:
    opened = open_model(load_order(recurrent_model), lambda _: None, lambda *_: None)
    assert opened.engine
    assert opened.footprint.total(Section.MODEL, "RS") == opened.ready.kv_cache > 0
    opened.engine.close()
