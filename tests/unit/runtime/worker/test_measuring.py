from __future__ import annotations

from pathlib import Path

from llmd.engine.footprint import Footprint, Section
from llmd.models.gguf.facts import Facts, Layer, Weights
from llmd.runtime.worker.measuring import Promised, Resident, measured, resident

MIB = 2**20


def facts(*, tied: bool = False) -> Facts:
    return Facts(
        architecture="llama",
        size=0,
        parameters=0,
        active_parameters=0,
        context_length=0,
        width=1,
        output_width=1,
        vocabulary=1,
        layers=[Layer(dense=Weights(size=100 * MIB)), Layer(dense=Weights(size=100 * MIB))],
        input=Weights(size=20 * MIB),
        output=Weights(size=0 if tied else 20 * MIB),
        tied=tied,
        embedding=20 * MIB,
    )


def footprint(*lines: str, section: Section = Section.MODEL) -> Footprint:
    found = Footprint()
    found.section = section
    for line in lines:
        found.take(line)
    return found


CPU_LINES = (
    "CPU_Mapped model buffer size =   240.00 MiB",
    "CPU KV buffer size =    30.00 MiB",
    "CPU RS buffer size =     2.00 MiB",
    "CPU  output buffer size =     1.00 MiB",
    "CPU compute buffer size =     9.00 MiB",
)
BEFORE = Resident(anonymous=30 * MIB, files=26 * MIB)
AFTER = Resident(anonymous=70 * MIB, files=300 * MIB)


def test_buffers_are_sorted_by_what_they_are_for() -> None:
    promised = Promised(caches=5 * MIB, compute=MIB)
    (use,) = measured(footprint(*CPU_LINES), facts(), promised, BEFORE, AFTER)
    parts = use.parts
    assert (parts.weights, use.mapped) == (240 * MIB, 240 * MIB)
    assert parts.kv_cache == 32 * MIB
    assert parts.compute == 11 * MIB
    assert parts.caches == 5 * MIB
    # 70 anonymous, of which 32 are cells and states; 26 of files that are no weights
    assert parts.process == (70 - 32 + 26) * MIB


def test_a_mapping_counts_without_what_was_copied_out_of_it() -> None:
    repacked = footprint(*CPU_LINES, "CPU_REPACK model buffer size = 200.00 MiB")
    after = Resident(anonymous=270 * MIB, files=300 * MIB)
    (use,) = measured(repacked, facts(), Promised(), BEFORE, after)
    assert (use.parts.weights, use.mapped) == (240 * MIB, 40 * MIB)
    assert use.parts.process == (270 - 232 + 26) * MIB


def test_embeddings_that_are_the_output_too_are_counted_twice_where_they_are_twice() -> None:
    copied = footprint(*CPU_LINES, "CPU_REPACK model buffer size = 220.00 MiB")
    (use,) = measured(copied, facts(tied=True), Promised(), BEFORE, AFTER)
    assert (use.parts.weights, use.mapped) == (240 * MIB, 20 * MIB)


def test_devices_are_told_apart() -> None:
    found = footprint(
        "CPU_Mapped model buffer size = 240.00 MiB",
        "CUDA0 model buffer size = 120.00 MiB",
        "CUDA1 model buffer size = 100.00 MiB",
        "CUDA0 KV buffer size = 3.00 MiB",
        "CUDA0 compute buffer size = 4.00 MiB",
        "CUDA_Host compute buffer size = 5.00 MiB",
    )
    first, second, main = measured(found, facts(), Promised(), BEFORE, AFTER)
    assert [first.device, second.device, main.device] == ["CUDA0", "CUDA1", "CPU"]
    assert (first.parts.weights, first.parts.kv_cache) == (120 * MIB, 3 * MIB)
    assert (main.parts.weights, main.parts.compute) == (20 * MIB, 5 * MIB)
    assert second.parts.process == 0


def test_draft_models_and_projectors_are_counted_apart() -> None:
    found = footprint(*CPU_LINES)
    found.section = Section.DRAFT
    found.take("CPU model buffer size = 7.00 MiB")
    found.take("CPU KV buffer size = 1.00 MiB")
    found.section = Section.PROJECTOR
    found.take("load_model: model size:         6.00 MiB")
    found.take("CPU compute buffer size = 2.00 MiB")
    (use,) = measured(found, facts(), Promised(), BEFORE, AFTER)
    assert (use.parts.draft, use.parts.projector) == (8 * MIB, 8 * MIB)
    assert use.parts.process == (70 - 32 - 8 - 6 + 26) * MIB


def test_weights_that_were_read_are_where_they_are() -> None:
    read = footprint("CPU model buffer size = 240.00 MiB")
    (use,) = measured(read, facts(), Promised(), BEFORE, Resident(300 * MIB, 30 * MIB))
    assert (use.parts.weights, use.mapped) == (240 * MIB, 0)
    assert use.parts.process == (300 - 240 + 26) * MIB


def test_the_process_is_looked_at_where_the_system_tells(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nRssAnon:\t    2048 kB\nRssFile:\t    1024 kB\n")
    assert resident(status) == Resident(2 * MIB, MIB)
    assert resident(tmp_path / "none") == Resident()
