"""Text that cannot move the cursor, change colours or turn the direction of what stands beside it:
models and sessions hold what they like. Pure.
"""

from __future__ import annotations

import unicodedata

# the two joiners are part of emoji and of several scripts
_KEPT = frozenset("\n\t\u200c\u200d")
_HARMFUL = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def plain(text: str) -> str:
    """Return a text without control and format characters, lines and tabs excepted."""
    if text.isprintable():
        return text
    return "".join(
        char for char in text if char in _KEPT or unicodedata.category(char) not in _HARMFUL
    )
