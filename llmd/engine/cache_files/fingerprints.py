"""Which context can read a state: one of the same weights, library and settings.

Hashing a hundred gigabytes at every load is out of the question. A file is known by its size, its
start (all metadata and tensor descriptions of most models lie there), its end, and pages spread
over the rest: a requantised or further trained model differs in all of them.
"""

from __future__ import annotations

import hashlib
import os
import re
from importlib.metadata import version
from pathlib import Path

from llmd.engine.bindings import Context, Model

_START = 8 << 20
_PAGE = 16 << 10
_PAGES = 64
_SPLIT = re.compile(r"-00001-of-(\d{5})\.gguf$")


def file_hash(path: str) -> str:
    """Return a hash of a file's size and of parts of its content; raise OSError."""
    found = hashlib.blake2b(digest_size=16)
    with Path(path).open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        found.update(size.to_bytes(8, "little"))
        found.update(os.pread(file.fileno(), _START, 0))
        for page in range(1, _PAGES + 1):
            found.update(os.pread(file.fileno(), _PAGE, max(0, size - _PAGE) * page // _PAGES))
    return found.hexdigest()


def fingerprint(
    path: str, model: Model, context: Context, *, kv_type: str, flash_attention: str
) -> str:
    """Return what tells states of this context from those that it must not read, as 32 hexadecimal
    digits; `path` is the model's first file. Raises OSError.
    """
    architecture = model.metadata("general.architecture") or ""
    trained = model.metadata(f"{architecture}.rope.scaling.original_context_length") or "0"
    facts = [
        version("llama-cpp-python"),
        *map(file_hash, _parts(path)),
        kv_type,
        flash_attention,
        # some models rotate keys by other factors once the context is longer than they were
        # trained with
        str(0 < int(trained) < context.tokens),
    ]
    return hashlib.blake2b("\n".join(facts).encode(), digest_size=16).hexdigest()


def _parts(path: str) -> list[str]:
    found = _SPLIT.search(path)
    if not found:
        return [path]
    stem, count = path[: found.start()], found[1]
    return [f"{stem}-{part:05d}-of-{count}.gguf" for part in range(1, int(count) + 1)]
