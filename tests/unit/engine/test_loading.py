from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmd.engine.bindings import Batch
from llmd.engine.bindings.abstaining import can_give_back, copied_rows
from llmd.engine.loading import Complaints, load_fault, open_model, usable_cores
from llmd.errors import CorruptFile, LlmdError, LoadFailed, NoRoom, UnsupportedArchitecture
from tests.unit.engine.conftest import load_order

if TYPE_CHECKING:
    from pathlib import Path


def test_settles_the_automatic_sizes(tiny_model: Path) -> None:
    opened = open_model(
        load_order(tiny_model, kv_tokens=0, parallel=3), lambda _: None, lambda *_: None
    )
    assert opened.engine
    assert opened.ready.context_length == 2048
    assert opened.ready.kv_tokens == 3 * 2048
    assert opened.ready.kv_cache == 3 * 2048 * opened.model.kv_bytes_per_token("f16")
    opened.engine.close()


def test_the_cache_always_holds_one_whole_context(tiny_model: Path) -> None:
    opened = open_model(
        load_order(tiny_model, context_length=1000, kv_tokens=300), lambda _: None, lambda *_: None
    )
    assert opened.engine
    assert opened.ready.kv_tokens == 1024
    opened.engine.close()


@pytest.mark.skipif(not can_give_back(), reason="logits are copied on this system")
def test_room_for_copies_never_grows_though_a_call_has_more_rows_than_the_model_has_slots(
    large_vocabulary: Path,
) -> None:
    order = load_order(large_vocabulary, parallel=2, prefixes=2)
    opened = open_model(order, lambda _: None, lambda *_: None)
    assert opened.engine
    context = opened.engine._context
    assert context.reads_in_place
    before = copied_rows(context.pointer)
    rows = order.parallel + order.drafting.rows
    batch = Batch(rows)
    batch.fill(0, [5] * rows, 0, 0)
    batch.outputs[:] = 1
    assert context.decode(batch, rows) == 0
    assert len(context.logits(rows)) == rows
    assert copied_rows(context.pointer) == before
    opened.engine.close()


def test_a_truncated_file_is_refused_as_corrupt(tiny_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_model.read_bytes()[:2_000_000])
    with pytest.raises(CorruptFile):
        open_model(load_order(cut), lambda _: None, lambda *_: None)


def test_an_unknown_architecture_is_named(tiny_model: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.gguf"
    strange.write_bytes(tiny_model.read_bytes().replace(b"qwen2", b"qwenX", 1))
    with pytest.raises(UnsupportedArchitecture):
        open_model(load_order(strange), lambda _: None, lambda *_: None)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (
            "llama_model_load: error loading model: unknown model architecture: 'x'",
            UnsupportedArchitecture,
        ),
        ("ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory", NoRoom),
        (
            "tensor 'blk.0' data is not within the file bounds, model is corrupted or incomplete",
            CorruptFile,
        ),
        ("gguf_init_from_file_impl: invalid magic characters", CorruptFile),
        ("something else", LoadFailed),
    ],
)
def test_causes_are_told_apart(line: str, kind: type[LlmdError]) -> None:
    assert type(load_fault("m.gguf", [line])) is kind


def test_log_lines_are_forwarded_and_errors_kept() -> None:
    lines: list[tuple[str, str]] = []
    complaints = Complaints(lambda level, text: lines.append((level, text)))
    complaints(2, "loaded\n")
    complaints(2, "....")
    complaints(4, "bad thing\n")
    assert lines == [("info", "loaded"), ("error", "bad thing")]
    assert list(complaints.errors) == ["bad thing"]


def test_uses_at_least_one_core() -> None:
    assert usable_cores() >= 1


@pytest.mark.parametrize(("quota", "most"), [("150000 100000", 1), ("50000 100000", 1)])
def test_a_containers_quota_bounds_the_threads(tmp_path: Path, quota: str, most: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert usable_cores(file) == most


@pytest.mark.parametrize("quota", ["max 100000", "", "nonsense"])
def test_without_a_quota_the_cores_count(tmp_path: Path, quota: str) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert usable_cores(file) == usable_cores(tmp_path / "missing") >= 1
