from __future__ import annotations

from llmd.models.gguf.file_types import TENSOR_TYPES
from llmd.models.gguf.header import Header, Tensor
from llmd.models.placement.projecting import projector_size

VISION = {
    "clip.vision.embedding_length": 1024,
    "clip.vision.feed_forward_length": 4096,
    "clip.vision.image_size": 336,
    "clip.vision.patch_size": 14,
}


def header(**values: object) -> Header:
    tensor = Tensor("v.patch", (1024, 1024), TENSOR_TYPES[1], 0)
    return Header(3, dict(values), (tensor,), 0, 0)


def test_a_projector_takes_its_weights_and_a_buffer_for_all_patches() -> None:
    weights = 2 * 1024 * 1024
    assert projector_size(header()) == weights
    sees = projector_size(header(**VISION))
    assert 30 * 2**20 < sees - weights < 60 * 2**20


def test_one_that_hears_takes_a_buffer_for_half_a_minute() -> None:
    hears = header(**{"clip.audio.embedding_length": 1280, "clip.audio.feed_forward_length": 5120})
    assert projector_size(hears) > 100 * 2**20


def test_strange_values_count_for_nothing() -> None:
    strange = dict.fromkeys(VISION, "x") | {"clip.audio.embedding_length": -5}
    assert projector_size(header(**strange)) == 2 * 1024 * 1024
