"""The header reader: right files are read, wrong ones end as CorruptFile whatever their bytes are."""

from __future__ import annotations

import io
import os
import random
import struct
import time
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmd.errors import CorruptFile, UnsupportedArchitecture
from llmd.models.gguf import header
from llmd.models.gguf.header import ArraySummary, read_header
from llmd.models.gguf.inspection import inspect
from llmd.models.gguf.reading import read_model
from tests.fakes.gguf import LLAMA, gguf, tensor, text, value


def put(folder: Path, content: bytes) -> Path:
    path = folder / "file.gguf"
    path.write_bytes(content)
    return path


def test_the_builtin_model_is_read_whole(tiny_model: Path) -> None:
    found = read_header(tiny_model)
    assert found.version == 3
    assert found.values["general.architecture"] == "qwen2"
    assert found.needed_size == found.file_size == tiny_model.stat().st_size
    assert found.tensors[0].weights > 0


def test_long_arrays_are_counted_and_short_ones_kept(tiny_model: Path) -> None:
    found = read_header(tiny_model)
    tokens = found.values["tokenizer.ggml.tokens"]
    assert isinstance(tokens, ArraySummary)
    assert tokens.type == "string"
    assert tokens.count > 1000
    assert found.values["general.languages"] == ["en", "zh"]
    assert found.metadata()["tokenizer.ggml.tokens"] == {"type": "string", "count": tokens.count}


def test_scalars_of_every_type_are_read(tmp_path: Path) -> None:
    layouts = {
        0: "<B",
        1: "<b",
        2: "<H",
        3: "<h",
        4: "<I",
        5: "<i",
        6: "<f",
        10: "<Q",
        11: "<q",
        12: "<d",
    }
    body = b"".join(
        text(f"k{kind}") + struct.pack("<I", kind) + struct.pack(code, 7)
        for kind, code in layouts.items()
    )
    content = b"GGUF" + struct.pack("<IQQ", 3, 0, len(layouts)) + body
    assert set(read_header(put(tmp_path, content)).values.values()) == {7}


def test_a_large_vocabulary_takes_milliseconds(tmp_path: Path) -> None:
    words = [f"token {number}" for number in range(152_000)]
    path = put(
        tmp_path, gguf({**LLAMA, "tokenizer.ggml.tokens": words, "tokenizer.ggml.merges": words})
    )
    took = []
    for _ in range(3):
        started = time.perf_counter()
        assert read_header(path).metadata()["tokenizer.ggml.merges"]["count"] == 152_000
        took.append(time.perf_counter() - started)
    assert min(took) < 0.25


def test_a_header_longer_than_the_first_read_is_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header, "_FIRST_READ", 64)
    content = gguf({**LLAMA, "words": [str(number) for number in range(5000)]})
    assert read_header(put(tmp_path, content)).values["words"] == ArraySummary("string", 5000)


def test_text_that_is_no_utf8_is_replaced(tmp_path: Path) -> None:
    assert (
        read_header(put(tmp_path, gguf({"general.name": b"\xff\xfe"}))).values["general.name"]
        == "\ufffd\ufffd"
    )


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "nothing")


HUGE = 2**64 - 1
WRONG = {
    "empty": b"",
    "short": b"GGUF\x03\x00",
    "another format": b"PK\x03\x04" + bytes(100),
    "version 1": gguf(LLAMA, version=1),
    "version 9": gguf(LLAMA, version=9),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "too many keys": b"GGUF" + struct.pack("<IQQ", 3, 0, HUGE) + bytes(100),
    "too many tensors": b"GGUF" + struct.pack("<IQQ", 3, HUGE, 0) + bytes(100),
    "endless key": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", HUGE) + bytes(100),
    "endless text": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + text("k")
    + struct.pack("<IQ", 8, HUGE)
    + bytes(100),
    "endless numbers": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + text("k")
    + struct.pack("<IIQ", 9, 4, HUGE)
    + bytes(9),
    "endless texts": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + text("k")
    + struct.pack("<IIQ", 9, 8, HUGE)
    + bytes(9),
    "texts beyond the end": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + text("k")
    + struct.pack("<IIQ", 9, 8, 1000)
    + struct.pack("<Q", 2**63) * 200,
    "array of arrays": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + text("k")
    + struct.pack("<IIQ", 9, 9, 1)
    + bytes(99),
    "unknown type": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + text("k")
    + struct.pack("<I", 77)
    + bytes(99),
    "empty key": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("") + value(1),
    "the same key twice": b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + (text("k") + value(1)) * 2,
    "odd alignment": gguf({**LLAMA, "general.alignment": 3}),
    "zero alignment": gguf({**LLAMA, "general.alignment": 0}),
    "alignment of text": gguf({**LLAMA, "general.alignment": "32"}),
    "alignment of truth": gguf({**LLAMA, "general.alignment": True}),
    "huge alignment": gguf({**LLAMA, "general.alignment": 2**31}),
    "ends in a tensor": gguf(LLAMA, tensors=2)[:-600],
    "five dimensions": b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + tensor("t", (1, 1, 1, 1, 1), 0, 0),
    "unknown tensor type": b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + tensor("t", (32,), 99, 0),
    "part of a block": b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + tensor("t", (33,), 2, 0),
    "more weights than numbers": b"GGUF"
    + struct.pack("<IQQ", 3, 1, 0)
    + tensor("t", (2**62, 2**62), 0, 0),
    "more weights in one row": b"GGUF"
    + struct.pack("<IQQ", 3, 1, 0)
    + tensor("t", (2**64 - 32,), 0, 0),
    "tensors over each other": b"GGUF"
    + struct.pack("<IQQ", 3, 2, 0)
    + tensor("t", (32,), 0, 0)
    + tensor("u", (32,), 0, 64),
    "a gap": b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + tensor("t", (32,), 0, 64),
    "two tensors of one name": b"GGUF"
    + struct.pack("<IQQ", 3, 2, 0)
    + tensor("t", (32,), 0, 0)
    + tensor("t", (32,), 0, 128),
    "a long tensor name": b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + tensor("t" * 64, (32,), 0, 0),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_are_refused(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, WRONG[name])
    with pytest.raises(CorruptFile, match="not a usable GGUF file") as failure:
        read_header(path)
    assert str(path) in failure.value.message


def test_the_reason_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match="big-endian"):
        read_header(put(tmp_path, WRONG["big-endian"]))
    with pytest.raises(CorruptFile, match="letters GGUF"):
        read_header(put(tmp_path, WRONG["another format"]))


def read_anything(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        read_header(path).metadata()
    except CorruptFile:
        return


def inspect_anything(path: Path, content: bytes, size: int = 0) -> None:
    """Go all the way to what is shown and kept of a model; `size`: to fill the file up to."""
    path.write_bytes(content)
    if size:
        os.truncate(path, size)
    try:
        msgspec.json.encode(read_model(path).facts)
        msgspec.json.encode([read_model(path).description, read_header(path).metadata()])
        inspect(path)
    except (CorruptFile, UnsupportedArchitecture):
        return


def damaged(chance: random.Random, content: bytes) -> bytes:
    """Return the content with up to eight bytes changed, most of them near its ends, where the
    figures stand.
    """
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        near = chance.randrange(min(len(changed), 4000))
        place = chance.choice((near, -near - 1, chance.randrange(len(changed))))
        changed[place] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
    return bytes(changed)


def test_every_truncation_ends_well(tmp_path: Path) -> None:
    content = gguf(
        {**LLAMA, "words": ["one", "two"] * 50, "numbers": list(range(100))}, tensors=3, data=b""
    )
    for length in range(len(content)):
        read_anything(tmp_path / "f", content[:length])


def test_flipped_bytes_end_well(tmp_path: Path, tiny_model: Path) -> None:
    chance = random.Random(7)
    small = gguf({**LLAMA, "words": ["one", "two"] * 50, "numbers": [1] * 100}, tensors=3)
    real = tiny_model.read_bytes()[: read_header(tiny_model).data_offset]
    size = tiny_model.stat().st_size
    for _ in range(3000):
        inspect_anything(tmp_path / "f", damaged(chance, small))
    for _ in range(700):
        inspect_anything(tmp_path / "g", damaged(chance, real), size)


@settings(max_examples=200)
@given(st.binary(max_size=400), st.integers(0, 50), st.integers(0, 50))
def test_arbitrary_bytes_end_well(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, tensors: int, keys: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "arbitrary.gguf"
    read_anything(path, b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + body)
    read_anything(path, body)


ODD_NUMBERS = st.sampled_from([0, 1, 2, 3, 31, 32, 512, 513, 2**31, 2**32 - 1])
KEYS = st.sampled_from(
    [
        "general.architecture",
        "general.type",
        "general.file_type",
        "general.alignment",
        "general.base_model.count",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.eos_token_id",
        "tokenizer.chat_template",
        *(
            f"{architecture}.{key}"
            for architecture in ("llama", "deepseek4", "gemma4", "qwen3next", "mamba2", "nanbeige")
            for key in (
                "block_count",
                "embedding_length",
                "context_length",
                "num_loops",
                "nextn_predict_layers",
                "expert_count",
                "expert_used_count",
                "full_attention_interval",
                "attention.head_count",
                "attention.head_count_kv",
                "attention.key_length",
                "attention.compress_ratios",
                "attention.shared_kv_layers",
                "attention.sliding_window",
                "attention.sliding_window_pattern",
                "ssm.conv_kernel",
                "ssm.state_size",
                "rope.scaling.factor",
                "pooling_type",
            )
        ),
    ]
)
NAMES = st.sampled_from(["llama", "deepseek4", "gemma4", "qwen3next", "mamba2", "nanbeige", "clip"])
VALUES = st.one_of(
    ODD_NUMBERS,
    NAMES,
    st.booleans(),
    st.floats(width=32),
    st.text(max_size=20),
    st.lists(ODD_NUMBERS, min_size=1, max_size=6),
    st.lists(st.text(max_size=5), min_size=1, max_size=90),
)
TENSORS = st.lists(
    st.tuples(
        st.sampled_from(["token_embd.weight", "output.weight", "blk.0.a", "blk.511.ffn_up_exps.b"]),
        st.lists(st.sampled_from([0, 1, 32, 256, 2**31, 2**63, 2**64 - 1]), max_size=5),
        st.sampled_from([0, 1, 2, 12, 31, 40, 200]),
        st.sampled_from([0, 32, 128, 256, 2**63]),
    ),
    max_size=3,
)


@settings(max_examples=400)
@given(st.dictionaries(KEYS, VALUES, max_size=12), NAMES, TENSORS)
def test_odd_headers_end_well(
    tmp_path_factory: pytest.TempPathFactory,
    values: dict[str, object],
    architecture: str,
    tensors: list[tuple[str, list[int], int, int]],
) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.gguf"
    values = {"general.architecture": architecture, **values}
    content = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    content += b"".join(text(key) + value(item) for key, item in values.items())
    content += b"".join(
        tensor(name, tuple(shape), kind, offset) for name, shape, kind, offset in tensors
    )
    inspect_anything(path, content + bytes(-len(content) % 32 + 4096))


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(CorruptFile, match="a pipe, a device or a directory"):
            read_header(path)


def claims(kind: int, count: int, start: bytes = b"") -> bytes:
    """Return a header whose only key is an array that claims so many elements."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("k")
    return head + struct.pack("<IIQ", 9, kind, count) + start


@pytest.mark.parametrize(
    "content",
    [
        claims(0, 2**36),
        claims(8, 2**36),
        b"GGUF" + struct.pack("<IQQ", 3, 2**16, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**14),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**35),
        claims(8, 5, struct.pack("<Q", 2**35)),
    ],
)
def test_large_claims_over_a_large_file_of_nothing_stay_cheap(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "sparse.gguf"
    path.write_bytes(content)
    os.truncate(path, 2**37)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFile):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    finally:
        tracemalloc.stop()


def test_a_file_that_shrinks_while_it_is_read_is_damage(tiny_model: Path) -> None:
    content = tiny_model.read_bytes()
    with pytest.raises(CorruptFile, match="does not end"):
        header._parse(io.BytesIO(content[:20_000]), len(content))


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20),
        st.one_of(
            st.text(max_size=50),
            st.booleans(),
            st.integers(0, 2**32 - 1),
            st.lists(st.text(), min_size=1),
        ),
        max_size=8,
    )
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    values.pop("general.alignment", None)
    path = tmp_path_factory.getbasetemp() / "round.gguf"
    path.write_bytes(gguf(values))
    for key, found in read_header(path).values.items():
        assert found == values[key] or found == ArraySummary("string", len(values[key]))  # type: ignore[arg-type]
