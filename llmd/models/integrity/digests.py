"""Which SHA-256 a model's file should have: what its manifest says, else what its name in another
tool's store says.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from llmd.protocol.models import ModelManifest

# the Hugging Face cache names large files by their SHA-256, Ollama all of its blobs
_HUB_BLOB = re.compile(r"[0-9a-f]{64}")
_OLLAMA_BLOB = re.compile(r"sha256[-:]([0-9a-f]{64})")


def expected(model: ModelManifest, file: str) -> str:
    """Return the digest in hexadecimal, or an empty text when nobody knows it."""
    return model.digests.get(file, "").lower() or _named(Path(os.path.realpath(file)))


def _named(blob: Path) -> str:
    if blob.parent.name != "blobs":
        return ""
    if match := _OLLAMA_BLOB.fullmatch(blob.name):
        return match[1]
    return blob.name if _HUB_BLOB.fullmatch(blob.name) else ""
