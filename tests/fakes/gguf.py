"""GGUF files made to order, for tests of what reads them: right ones, split ones and wrong ones."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

_TYPES = {bool: (7, "<?"), int: (4, "<I"), float: (6, "<f")}


def text(value: str | bytes) -> bytes:
    """Return a length and the bytes."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def value(item: Any) -> bytes:
    """Return a value with its type."""
    if isinstance(item, str | bytes):
        return struct.pack("<I", 8) + text(item)
    if isinstance(item, list):
        kind, code = (8, "") if isinstance(item[0], str) else _TYPES[type(item[0])]
        elements = b"".join(text(part) if kind == 8 else struct.pack(code, part) for part in item)
        return struct.pack("<IIQ", 9, kind, len(item)) + elements
    kind, code = _TYPES[type(item)]
    return struct.pack("<I", kind) + struct.pack(code, item)


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    """Return the description of a tensor."""
    sizes = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", kind, offset)


def gguf(
    values: dict[str, Any],
    tensors: int = 1,
    *,
    version: int = 3,
    data: bytes | None = None,
    magic: bytes = b"GGUF",
) -> bytes:
    """Return a file with float32 tensors of 32 by 2 weights (256 bytes) each."""
    head = magic + struct.pack("<IQQ", version, tensors, len(values))
    head += b"".join(text(key) + value(item) for key, item in values.items())
    head += b"".join(
        tensor(f"blk.{number}.weight", (32, 2), 0, number * 256) for number in range(tensors)
    )
    head += bytes(-len(head) % 32)
    return head + (bytes(tensors * 256) if data is None else data)


LLAMA = {"general.architecture": "llama", "general.file_type": 0, "llama.context_length": 4096}


def write(path: Path, values: dict[str, Any] | None = None, **options: Any) -> Path:
    """Write such a file; by default one that passes for a llama model."""
    path.write_bytes(gguf({**LLAMA, **(values or {})}, **options))
    return path


def write_split(folder: Path) -> list[Path]:
    """Write a model in three parts of two tensors each."""
    folder.mkdir()
    parts = [folder / f"big-Q8_0-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    return [write(part, tensors=2) for part in parts]
