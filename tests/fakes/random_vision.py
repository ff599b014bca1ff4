"""Writes small GGUFs with random weights that see or hear: a text model and its projector.

What they answer says nothing, but it depends on every pixel and sample, and the whole path runs as
for trained ones. The kinds differ in what an engine must get right: `tiled` (idefics3) cuts a
picture into tiles, several chunks of tokens with others between them; `mrope` (qwen2vl) gives the
tokens of a picture two-dimensional positions, fewer than it has tokens; `noncausal` (gemma3) lets
them see each other; `audio` (ultravox) hears; `both` sees and hears. About 1 MB each.

    python -m tests.fakes.random_vision FOLDER KIND
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np

from tests.fakes.random_model import CHATML, make_vocabulary

KINDS = ("tiled", "mrope", "noncausal", "audio", "both")
WIDTH = 64
SIDE = 32
"""Pixels of a side of what the encoders of `tiled` and `noncausal` see at a time."""
AUDIO_TOKENS = 75
"""Tokens of each 30 s of sound, begun ones included."""

_VOCABULARY = 1088
_HEADS, _KV_HEADS, _FEED_FORWARD, _BLOCKS = 4, 2, 128, 2
_INNER, _INNER_HEADS, _INNER_FEED_FORWARD = 32, 2, 64
_PATCH, _MERGE, _LONGEST = 8, 2, 64
_MELS, _FRAMES, _STACK = 80, 1500, 20
_TILES = [f"<row_{row}_col_{col}>" for row in (1, 2) for col in (1, 2)]
_CONTROL = (
    "\n\n",
    "<fake_token_around_image>",
    "<global-img>",
    *_TILES,
    "<|vision_start|>",
    "<|vision_end|>",
    "<start_of_image>",
    "<end_of_image>",
)


class _Weights:
    """Adds random tensors; shapes are NumPy's, the fastest dimension last."""

    def __init__(self, writer: gguf.GGUFWriter, seed: int) -> None:
        self._writer = writer
        self._rng = np.random.default_rng(seed)

    def random(self, name: str, *shape: int) -> None:
        scale = np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 10
        self._writer.add_tensor(name, (self._rng.standard_normal(shape) / scale).astype(np.float32))

    def ones(self, name: str, size: int) -> None:
        self._writer.add_tensor(name, np.ones(size, np.float32))

    def half(self, name: str, *shape: int) -> None:
        data = self._rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        self._writer.add_tensor(name, data.astype(np.float16))

    def dense(self, name: str, rows: int, cols: int) -> None:
        self.random(f"{name}.weight", rows, cols)
        self.random(f"{name}.bias", rows)

    def norm(self, name: str, size: int) -> None:
        self.ones(f"{name}.weight", size)
        self.random(f"{name}.bias", size)


def write_random_vision(folder: Path, kind: str = "tiled") -> tuple[Path, Path]:
    """Write both files into a folder and return (model, projector)."""
    folder.mkdir(parents=True, exist_ok=True)
    model, projector = folder / f"{kind}.gguf", folder / f"mmproj-{kind}.gguf"
    _write_model(model, kind)
    _write_projector(projector, kind)
    return model, projector


def _write_model(path: Path, kind: str) -> None:
    architecture = "qwen2vl" if kind == "mrope" else "qwen2"
    writer = gguf.GGUFWriter(str(path), architecture)
    make_vocabulary(writer, _VOCABULARY, _CONTROL)
    writer.add_chat_template(CHATML)
    writer.add_name(f"random-{kind}")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(_BLOCKS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_rope_freq_base(1e4)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(0)
    if kind == "mrope":
        writer.add_rope_dimension_sections([2, 3, 3, 0])
    weights = _Weights(writer, 5)
    weights.random("token_embd.weight", _VOCABULARY, WIDTH)
    weights.ones("output_norm.weight", WIDTH)
    kv_width = WIDTH // _HEADS * _KV_HEADS
    for block in range(_BLOCKS):
        at = f"blk.{block}"
        weights.ones(f"{at}.attn_norm.weight", WIDTH)
        weights.ones(f"{at}.ffn_norm.weight", WIDTH)
        for part, rows in (("q", WIDTH), ("k", kv_width), ("v", kv_width)):
            weights.dense(f"{at}.attn_{part}", rows, WIDTH)
        weights.random(f"{at}.attn_output.weight", WIDTH, WIDTH)
        weights.random(f"{at}.ffn_gate.weight", _FEED_FORWARD, WIDTH)
        weights.random(f"{at}.ffn_up.weight", _FEED_FORWARD, WIDTH)
        weights.random(f"{at}.ffn_down.weight", WIDTH, _FEED_FORWARD)
    _close(writer)


def _write_projector(path: Path, kind: str) -> None:
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type("mmproj")
    writer.add_name(f"projector-{kind}")
    writer.add_file_type(0)
    writer.add_bool("clip.use_gelu", True)
    sees, hears = kind != "audio", kind in {"audio", "both"}
    writer.add_bool("clip.has_vision_encoder", sees)
    writer.add_bool("clip.has_audio_encoder", hears)
    weights = _Weights(writer, 7)
    if sees:
        _VISION["tiled" if kind == "both" else kind](writer, weights)
    if hears:
        _ultravox(writer, weights)
    _close(writer)


def _encoder(writer: gguf.GGUFWriter, weights: _Weights, sense: str, projector: str) -> None:
    """Add what all encoders have: sizes and transformer blocks."""
    writer.add_string(f"clip.{sense}.projector_type", projector)
    for key, value in (
        ("embedding_length", _INNER),
        ("feed_forward_length", _INNER_FEED_FORWARD),
        ("block_count", 1),
        ("projection_dim", WIDTH),
        ("attention.head_count", _INNER_HEADS),
    ):
        writer.add_uint32(f"clip.{sense}.{key}", value)
    writer.add_float32(f"clip.{sense}.attention.layer_norm_epsilon", 1e-6)
    at = f"{sense[0]}.blk.0"
    weights.norm(f"{at}.ln1", _INNER)
    weights.norm(f"{at}.ln2", _INNER)
    for part in ("q", "v", "out"):
        weights.dense(f"{at}.attn_{part}", _INNER, _INNER)
    weights.random(f"{at}.attn_k.weight", _INNER, _INNER)
    if sense == "vision":
        weights.random(f"{at}.attn_k.bias", _INNER)
    weights.dense(f"{at}.ffn_up", _INNER_FEED_FORWARD, _INNER)
    weights.dense(f"{at}.ffn_down", _INNER, _INNER_FEED_FORWARD)
    weights.norm(f"{sense[0]}.post_ln", _INNER)


def _pixels(writer: gguf.GGUFWriter, side: int) -> None:
    writer.add_uint32("clip.vision.image_size", side)
    writer.add_uint32("clip.vision.patch_size", _PATCH)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])


def _patches(weights: _Weights) -> None:
    weights.half("v.patch_embd.weight", _INNER, 3, _PATCH, _PATCH)
    weights.random("v.patch_embd.bias", _INNER)
    weights.random("v.position_embd.weight", (SIDE // _PATCH) ** 2, _INNER)


def _idefics3(writer: gguf.GGUFWriter, weights: _Weights) -> None:
    _encoder(writer, weights, "vision", "idefics3")
    _pixels(writer, SIDE)
    _patches(weights)
    writer.add_uint32("clip.vision.projector.scale_factor", _MERGE)
    writer.add_uint32("clip.vision.preproc_image_size", _LONGEST)
    weights.random("mm.model.fc.weight", WIDTH, _INNER * _MERGE**2)


def _gemma3(writer: gguf.GGUFWriter, weights: _Weights) -> None:
    _encoder(writer, weights, "vision", "gemma3")
    _pixels(writer, SIDE)
    _patches(weights)
    writer.add_uint32("clip.vision.projector.scale_factor", _MERGE)
    weights.ones("mm.soft_emb_norm.weight", _INNER)
    weights.random("mm.input_projection.weight", _INNER, WIDTH)


def _qwen2vl(writer: gguf.GGUFWriter, weights: _Weights) -> None:
    _encoder(writer, weights, "vision", "qwen2vl_merger")
    _pixels(writer, 64)
    for name in ("v.patch_embd.weight", "v.patch_embd.weight.1"):
        weights.half(name, _INNER, 3, _PATCH, _PATCH)
    weights.dense("mm.0", _INNER * 4, _INNER * 4)
    weights.dense("mm.2", WIDTH, _INNER * 4)


def _ultravox(writer: gguf.GGUFWriter, weights: _Weights) -> None:
    _encoder(writer, weights, "audio", "ultravox")
    writer.add_uint32("clip.audio.num_mel_bins", _MELS)
    writer.add_uint32("clip.audio.projector.stack_factor", _STACK)
    weights.random("a.position_embd.weight", _FRAMES, _INNER)
    for number, inputs in ((1, _MELS), (2, _INNER)):
        weights.half(f"a.conv1d.{number}.weight", _INNER, inputs, 3)
        weights.random(f"a.conv1d.{number}.bias", _INNER, 1)
    weights.ones("mm.a.norm_pre.weight", _INNER * _STACK)
    weights.random("mm.a.mlp.1.weight", 2 * _INNER, _INNER * _STACK)
    weights.ones("mm.a.norm_mid.weight", _INNER)
    weights.random("mm.a.mlp.2.weight", WIDTH, _INNER)


_VISION: dict[str, Callable[[gguf.GGUFWriter, _Weights], None]] = {
    "tiled": _idefics3,
    "mrope": _qwen2vl,
    "noncausal": _gemma3,
}


def _close(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", choices=KINDS)
    args = parser.parse_args()
    write_random_vision(args.folder, args.kind)


if __name__ == "__main__":
    main()
