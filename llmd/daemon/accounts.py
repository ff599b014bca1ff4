"""Who may use the daemon: accounts, keys and logins, each object once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from llmd.config.settings import SecuritySettings
from llmd.services.access import Access, Registers
from llmd.services.audit import Audit
from llmd.services.hashing import Hashing
from llmd.services.keys import Keys
from llmd.services.last_used import LastUsed
from llmd.services.login import Login, Means
from llmd.services.revocations import Revocations
from llmd.services.signing import Signing
from llmd.services.users import Users
from llmd.storage import Database
from llmd.storage.api_keys import KeyRepository
from llmd.storage.audit import AuditRepository
from llmd.storage.token_families import FamilyRepository
from llmd.storage.users import UserRepository
from llmd.telemetry.metrics import Metrics


class Accounts:
    """Each object once, in order."""

    def __init__(  # noqa: PLR0913  what accounts are made of
        self,
        database: Database,
        settings: SecuritySettings,
        secret: Path,
        hashing: Hashing | None = None,
        clock: Callable[[], float] = time.time,
        *,
        metrics: Metrics | None = None,
    ) -> None:
        """`secret` is the file whose content signs tokens, unless the settings name another."""
        failures = (metrics or Metrics()).login_failures
        users, keys = UserRepository(database), KeyRepository(database)
        families = FamilyRepository(database)
        file = Path(settings.secret_file).expanduser() if settings.secret_file else secret
        hashing, signing = hashing or Hashing(), Signing(file)
        self.signing = signing
        self.revocations = Revocations()
        self.audit = Audit(AuditRepository(database), clock)
        self._last_used = LastUsed(keys)
        registers = Registers(keys, families, signing, self._last_used, failures)
        self.access = Access(settings.mode, registers, self.revocations, self.audit, clock)
        self.users = Users(users, hashing, self.revocations, self.audit, clock)
        self.keys = Keys((keys, users), self._last_used, self.revocations, self.audit, clock)
        means = Means(users, families, hashing, signing, failures)
        self.login = Login(settings, means, self.revocations, self.audit, clock)

    async def close(self) -> None:
        """Write what is pending, once nobody asks any more."""
        await self._last_used.close()
        await self.audit.close()
