"""Accounts in a database of their own, with a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from llmd.config.settings import AuthMode, SecuritySettings
from llmd.daemon.accounts import Accounts
from llmd.protocol.accounts import NewKey, User
from llmd.protocol.callers import Caller, Credentials, Role
from llmd.telemetry.metrics import Metrics
from tests.fakes.databases import database
from tests.fakes.hashing import quick_hashing

PASSWORD = "correct horse"


class Village(Accounts):
    """Accounts under test."""

    def __init__(self, folder: Path, settings: SecuritySettings) -> None:
        self.now = 1_000_000.0
        self.database = database(folder)
        secret = folder / "secret"
        self.metrics = Metrics()
        super().__init__(
            self.database,
            settings,
            secret,
            quick_hashing(),
            lambda: self.now,
            metrics=self.metrics,
        )

    def refused(self, reason: str) -> float:
        """Say how often something was refused for a reason."""
        found = self.metrics.registry.get_sample_value(
            "llmd_login_failures_total", {"reason": reason}
        )
        return found or 0.0

    async def user(self, name: str = "ann", role: Role = Role.USER) -> User:
        """Add somebody whose password is PASSWORD."""
        return await self.users.create(name, PASSWORD, role)

    async def key(self, user: str = "", **fields: object) -> NewKey:
        """Add a key."""
        return await self.keys.create(user, **fields)  # type: ignore[arg-type]  # a test's shorthand

    async def identify(self, token: str, address: str = "192.0.2.1") -> Caller:
        """Say who shows a token."""
        return await self.access.identify(Credentials(token=token, address=address))


@asynccontextmanager
async def village(
    folder: Path, mode: AuthMode = AuthMode.USERS, **settings: object
) -> AsyncIterator[Village]:
    """Accounts for the length of a `with`."""
    made = Village(folder, SecuritySettings(mode=mode, **settings))  # type: ignore[arg-type]  # as above
    try:
        yield made
    finally:
        await made.close()
        await made.database.close()
