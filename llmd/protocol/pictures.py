"""Pictures as requests have them: data URLs. The daemon judges whether they can be read."""

from base64 import b64encode

KINDS = "PNG, JPEG, WebP, GIF or BMP"
"""What can be sent, for people."""
_MARKS = {
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"RIFF": "webp",
}


def kind(beginning: bytes) -> str:
    """Return what a file is, judging by its first twelve bytes; empty: no picture."""
    found = next((name for mark, name in _MARKS.items() if beginning.startswith(mark)), "")
    return "" if found == "webp" and beginning[8:12] != b"WEBP" else found


def data_url(data: bytes) -> str:
    """Return the URL of a picture; empty: it is none."""
    found = kind(data[:12])
    return f"data:image/{found};base64,{b64encode(data).decode('ascii')}" if found else ""
