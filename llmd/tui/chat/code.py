"""Code blocks of a Markdown text. Pure."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def blocks(text: str) -> list[str]:
    """Return what stands between fences, in order; a last fence may be missing."""
    found: list[list[str]] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if not fence and mark:
            fence = mark[1]
            found.append([])
        elif fence and mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
        elif fence:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found]
