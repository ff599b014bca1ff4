from __future__ import annotations

from llmd.models.gguf.compression import compressed_cells, compressed_elements, compressed_state


def test_only_the_finer_compression_has_an_index() -> None:
    assert compressed_elements(4, 64, 128) == 192
    assert compressed_elements(128, 64, 128) == 64


def test_other_ratios_compress_nothing() -> None:
    for ratio in (0, 1, 7):
        assert compressed_elements(ratio, 64, 128) == 0
        assert compressed_state(ratio, 64, 128) == 0
        assert compressed_cells(4096, ratio) == 0


def test_cells_come_by_256() -> None:
    assert compressed_cells(4096, 4) == 1024
    assert compressed_cells(4096, 128) == 256
    assert compressed_cells(1, 4) == 256


def test_states_hold_what_is_not_compressed_yet() -> None:
    assert compressed_state(128, 64, 128) == 2 * 128 * 64
    assert compressed_state(4, 64, 128) == 2 * 8 * 2 * (64 + 128)
