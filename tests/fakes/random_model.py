"""Writes a GGUF of any shape with random weights, for speed, memory and crash tests.

Such a model says nothing sensible, but it costs exactly what a trained model of its shape costs.
Its vocabulary is that of a vocabulary-only GGUF, or made up: the 256 bytes, frequent pairs of
letters with their merges, and fillers.

    python -m tests.fakes.random_model OUT.gguf --shape 0.5b [--vocab VOCAB.gguf]
"""

from __future__ import annotations

import argparse
import itertools
import string
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

SHAPES = {
    "tiny": (2, 64, 4, 2, 128),
    "0.5b": (24, 896, 14, 2, 4864),
    "1.5b": (28, 1536, 12, 2, 8960),
    "7b": (28, 3584, 28, 4, 18944),
}
"""Blocks, embedding length, heads, KV heads, feed-forward length; all of the qwen2 architecture."""

VOCABULARY = 151_936
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def _quantized(
    rng: np.random.Generator, rows: int, cols: int, kind: str
) -> tuple[npt.NDArray[np.uint8], gguf.GGMLQuantizationType]:
    """Return random blocks of one matrix as raw bytes, shape (rows, bytes per row)."""
    blocks = rows * cols // 32
    scale, payload = (0.007, 16) if kind == "q4_0" else (0.0003, 32)
    raw = np.empty((blocks, 2 + payload), np.uint8)
    raw[:, :2] = np.frombuffer(np.float16(scale).tobytes(), np.uint8)
    raw[:, 2:] = rng.integers(0, 256, (blocks, payload), dtype=np.uint8)
    return raw.reshape(rows, -1), gguf.GGMLQuantizationType[kind.upper()]


def _copy_vocabulary(source: Path, writer: gguf.GGUFWriter) -> int:
    reader = gguf.GGUFReader(source)
    kinds = gguf.GGUFValueType
    add = {
        kinds.ARRAY: writer.add_array,
        kinds.STRING: writer.add_string,
        kinds.UINT32: writer.add_uint32,
        kinds.BOOL: writer.add_bool,
    }
    for field in reader.fields.values():
        if field.name.startswith("tokenizer.") and field.name != "tokenizer.chat_template":
            add[field.types[0]](field.name, field.contents())
    return len(reader.fields["tokenizer.ggml.tokens"].data)


def _byte_characters() -> list[str]:
    """Return the 256 characters that byte-level BPE writes bytes with (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = itertools.count(256)
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


def make_vocabulary(writer: gguf.GGUFWriter, size: int, extra: Sequence[str] = ()) -> int:
    """Add a byte-level BPE vocabulary of `size` tokens, the last one ending a turn and `extra` ones
    of control before; return `size`.
    """
    letters = [*string.ascii_lowercase, "\u0120"]
    pairs = ["".join(pair) for pair in itertools.product(letters, string.ascii_lowercase)]
    fixed = [*_byte_characters(), *pairs]
    control = [*extra, *_SPECIALS]
    fillers = [f"filler{number}" for number in range(size - len(fixed) - len(control))]
    tokens = [*fixed, *fillers, *control]
    kinds = [gguf.TokenType.NORMAL] * (size - len(control))
    kinds += [gguf.TokenType.CONTROL] * len(control)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([f"{pair[0]} {pair[1]}" for pair in pairs])
    writer.add_eos_token_id(size - 1)
    writer.add_add_bos_token(False)
    return size


def write_random_model(
    path: Path,
    shape: str = "tiny",
    *,
    kind: str = "q4_0",
    context: int = 32768,
    vocab: Path | None = None,
    size: int = VOCABULARY,
    template: str = CHATML,
    control: Sequence[str] = (),
) -> Path:
    """Write the file and return its path; `kind` is q4_0 or q8_0. A made-up vocabulary has `size`
    tokens, among them `control` ones.
    """
    blocks, width, heads, kv_heads, feed_forward = SHAPES[shape]
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(str(path), "qwen2")
    vocabulary = (
        _copy_vocabulary(vocab, writer) if vocab else make_vocabulary(writer, size, control)
    )
    writer.add_chat_template(template)
    writer.add_name(f"random-{shape}")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type({"q4_0": 2, "q8_0": 7}[kind])

    def matrix(name: str, rows: int, cols: int) -> None:
        data, quantization = _quantized(rng, rows, cols, kind)
        writer.add_tensor(name, data, raw_dtype=quantization)

    def vector(name: str, size: int, value: float) -> None:
        writer.add_tensor(name, np.full(size, value, np.float32))

    matrix("token_embd.weight", vocabulary, width)
    vector("output_norm.weight", width, 1.0)
    for block in range(blocks):
        for norm in ("attn_norm", "ffn_norm"):
            vector(f"blk.{block}.{norm}.weight", width, 1.0)
        for part, rows in (
            ("q", width),
            ("k", kv_heads * width // heads),
            ("v", kv_heads * width // heads),
        ):
            matrix(f"blk.{block}.attn_{part}.weight", rows, width)
            vector(f"blk.{block}.attn_{part}.bias", rows, 0.0)
        matrix(f"blk.{block}.attn_output.weight", width, width)
        matrix(f"blk.{block}.ffn_gate.weight", feed_forward, width)
        matrix(f"blk.{block}.ffn_up.weight", feed_forward, width)
        matrix(f"blk.{block}.ffn_down.weight", width, feed_forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--type", choices=("q4_0", "q8_0"), default="q4_0")
    parser.add_argument("--vocab", type=Path)
    args = parser.parse_args()
    write_random_model(args.out, args.shape, kind=args.type, vocab=args.vocab)


if __name__ == "__main__":
    main()
