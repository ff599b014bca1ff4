"""Who uses the daemon, what they may do, and what is kept of theirs."""

from __future__ import annotations

from llmd.services.access import Access


class People:
    """Each object once, in order."""

    def __init__(self) -> None:
        self.access = Access()
