"""Writes two rerankers: the real embedding model of tests/data under a random classification head,
and a random Qwen3 reranker with its chat template for pairs.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from tests.fakes.copies import copy_gguf
from tests.fakes.random_model import CHATML, make_vocabulary

RANK = 4
"""llama.cpp's number of rank pooling."""
VOCABULARY = 1024
WIDTH, HEADS, FEED_FORWARD = 64, 4, 128
PAIR = (
    "<|im_start|>user\n<Query>: {query}\n<Document>: {document}<|im_end|>\n<|im_start|>assistant\n"
)


def write_encoder(path: Path, source: Path, labels: int = 1) -> Path:
    """Write the embedding model `source` with a head that projects the first token's state to
    `labels` scores, and return `path`.
    """
    kinds = gguf.GGUFValueType
    names = [f"label{number}" for number in range(labels)]
    values = {
        "bert.pooling_type": (RANK, kinds.UINT32),
        "bert.classifier.output_labels": (names, kinds.ARRAY, kinds.STRING),
    }
    weights = head(gguf.GGUFReader(source), labels)
    return copy_gguf(path, source, values, {"cls.output.weight": weights})


def head(reader: gguf.GGUFReader, labels: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return the weights of the head, shape (labels, width); always the same."""
    width = int(reader.fields["bert.embedding_length"].contents())
    return np.random.default_rng(5).standard_normal((labels, width)).astype(np.float32)


def write_decoder(path: Path) -> Path:
    """Write a small random Qwen3 reranker with the labels yes and no, and return `path`."""
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(str(path), "qwen3")
    make_vocabulary(writer, VOCABULARY)
    writer.add_chat_template(CHATML)
    writer.add_string("tokenizer.chat_template.rerank", PAIR)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_uint32("qwen3.pooling_type", RANK)
    writer.add_array("qwen3.classifier.output_labels", ["yes", "no"])
    writer.add_file_type(0)

    def matrix(name: str, inputs: int, outputs: int) -> None:
        data = rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
        writer.add_tensor(f"{name}.weight", data.astype(np.float32))

    def ones(name: str, size: int) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(size, np.float32))

    matrix("token_embd", WIDTH, VOCABULARY)
    ones("output_norm", WIDTH)
    matrix("cls.output", WIDTH, 2)
    ones("blk.0.attn_norm", WIDTH)
    ones("blk.0.ffn_norm", WIDTH)
    ones("blk.0.attn_q_norm", WIDTH // HEADS)
    ones("blk.0.attn_k_norm", WIDTH // HEADS)
    for part in ("q", "k", "v", "output"):
        matrix(f"blk.0.attn_{part}", WIDTH, WIDTH)
    matrix("blk.0.ffn_gate", WIDTH, FEED_FORWARD)
    matrix("blk.0.ffn_up", WIDTH, FEED_FORWARD)
    matrix("blk.0.ffn_down", FEED_FORWARD, WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
