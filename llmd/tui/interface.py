"""The application as its pages know it: the daemon, and how that stands."""

from __future__ import annotations

from textual.app import App

from llmd.client.asynchronous import AsyncClient
from llmd.config.paths import Paths
from llmd.errors import LlmdError
from llmd.protocol.feed import Snapshot


class Interface(App[None]):
    """What all pages share."""

    def __init__(self, paths: Paths, page_names: tuple[str, ...]) -> None:
        super().__init__()
        self.paths = paths
        self.page_names = page_names
        """Tabs, in order."""
        self.client = AsyncClient(paths.socket)
        self.snapshot: Snapshot | None = None
        """The latest that came, which may be old while there is `trouble`."""
        self.trouble: LlmdError | None = None
        """Why no snapshots come; None: they do."""
        self.attempt = 0
        """Number of the next attempt to reach the daemon."""
        self.starting = False
        """Whether the daemon is being started from here."""
