"""What a projector takes: its weights, which are read rather than mapped, and the buffers to encode
one picture or a piece of sound.

From tools/mtmd/clip.cpp of the pinned llama.cpp, whose graph is that of a transformer without masks
over all patches at once; models that look at large pictures in pieces do so one by one.
"""

from __future__ import annotations

from llmd.models.gguf.header import Header

_FLOAT = 4
_SOUND_PATCHES = 1500
"""Of 30 seconds, Whisper's way."""
_MOST_PATCHES = 4096


def projector_size(header: Header) -> int:
    """Return the bytes that the projector in a file takes while it works."""
    weights = sum(tensor.size for tensor in header.tensors)
    return weights + max(_buffer(header, "vision"), _buffer(header, "audio"))


def _buffer(header: Header, sense: str) -> int:
    def number(key: str) -> int:
        found = header.values.get(f"clip.{sense}.{key}")
        return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0

    width, inner = number("embedding_length"), number("feed_forward_length")
    if not width:
        return 0
    side, patch = number("image_size"), number("patch_size")
    patches = (side // patch) ** 2 if side and patch else _SOUND_PATCHES
    patches = min(patches, _MOST_PATCHES)
    return patches * _FLOAT * (3 * inner + 6 * width) + patches * 3 * patch * patch * _FLOAT
