"""The line of keys at the bottom."""

from __future__ import annotations

from textual.widgets import Footer


class KeyLine(Footer):
    """Textual's footer: the keys that work now, each a button too."""

    def __init__(self) -> None:
        super().__init__(compact=True)
