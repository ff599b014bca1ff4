"""Who uses the daemon, what they may do, and what is kept of theirs."""

from __future__ import annotations

from socket import gethostname

from llmd.config.paths import Paths
from llmd.config.settings import Settings
from llmd.daemon.accounts import Accounts
from llmd.services.conversations import Conversations
from llmd.services.limits import Limits
from llmd.services.sessions import Sessions
from llmd.services.usage import Usage
from llmd.storage import Database
from llmd.storage.conversations import ConversationRepository
from llmd.storage.deployments import DeploymentRepository
from llmd.storage.sessions import SessionRepository
from llmd.storage.usage import UsageRepository
from llmd.telemetry.metrics import Metrics


class People:
    """Each object once, in order."""

    def __init__(self, paths: Paths, settings: Settings, metrics: Metrics) -> None:
        self.database = Database(settings.database.url or paths.database_file)
        self.accounts = Accounts(
            self.database, settings.security, paths.secret_file, metrics=metrics
        )
        self.usage = Usage(UsageRepository(self.database))
        self.limits = Limits(settings.limits, metrics, self.usage)
        self.sessions = Sessions(SessionRepository(self.database))
        self.conversations = Conversations(self.sessions, ConversationRepository(self.database))
        self.deployments = DeploymentRepository(
            self.database, f"{gethostname()}:{paths.models_dir}"
        )

    async def open(self) -> None:
        """Open what is kept; raise StorageFailed."""
        await self.database.open()
        await self.limits.restore()
        self.usage.start()
        self.sessions.start()

    async def close(self) -> None:
        """Put everything away, once nobody asks any more."""
        await self.sessions.close()
        await self.usage.close()
        await self.accounts.close()
        await self.database.close()
