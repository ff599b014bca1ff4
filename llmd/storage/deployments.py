"""Deployments in the database."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import delete, select

from llmd.errors import NotFound
from llmd.protocol.deployments import Deployment, DeploymentStatus
from llmd.storage.database import Database
from llmd.storage.tables.deployments import deployments
from llmd.storage.upsert import upsert

# ids that are none never reach the database, which takes no text that is not Unicode
_ID = re.compile(r"deploy-[0-9a-f]{12}", re.ASCII)


class DeploymentRepository:
    """Those of one daemon, which `home` stands for, and for readers those of all."""

    def __init__(self, database: Database, home: str) -> None:
        self._database = database
        self._home = home

    async def put(self, deployment: Deployment) -> None:
        """Keep a deployment as it stands; raise StorageFailed or NoRoom."""
        values = {
            "home": self._home,
            "status": str(deployment.status),
            "created_at": deployment.created_at,
            "record": deployment,
        }
        async with self._database.writing() as connection:
            row = {"id": deployment.id, **values}
            await connection.execute(upsert(connection, deployments, row, values))

    async def get(self, identity: str) -> Deployment:
        """Return one of any daemon; raise NotFound, or StorageFailed."""
        query = select(deployments.c.record).where(deployments.c.id == identity)
        record = None
        if _ID.fullmatch(identity):
            async with self._database.reading() as connection:
                record = await connection.scalar(query)
        if record is None:
            raise NotFound(
                f"There is no deployment {identity[:100]}.",
                hint="Its id is in the answer to the deploy call; old ones are forgotten.",
                param="deployment_id",
            )
        return msgspec.convert(record, Deployment)

    async def unfinished(self) -> list[Deployment]:
        """Return this daemon's own that have not ended, oldest first; raise StorageFailed."""
        query = (
            select(deployments.c.record)
            .where(
                deployments.c.home == self._home,
                deployments.c.status == str(DeploymentStatus.IN_PROGRESS),
            )
            .order_by(deployments.c.created_at)
        )
        async with self._database.reading() as connection:
            records = (await connection.scalars(query)).all()
        return msgspec.convert(records, list[Deployment])

    async def latest(self, skip: int, limit: int) -> list[Deployment]:
        """Return those of this daemon, newest first; raise StorageFailed."""
        query = (
            select(deployments.c.record)
            .where(deployments.c.home == self._home)
            .order_by(deployments.c.created_at.desc(), deployments.c.id)
            .offset(skip)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            records = (await connection.scalars(query)).all()
        return msgspec.convert(records, list[Deployment])

    async def prune(self, keep: int) -> int:
        """Forget this daemon's own that have ended, but for the newest; return how many went.

        Raises StorageFailed.
        """
        ended = (
            deployments.c.home == self._home,
            deployments.c.status != str(DeploymentStatus.IN_PROGRESS),
        )
        old = (
            select(deployments.c.id)
            .where(*ended)
            .order_by(deployments.c.created_at.desc(), deployments.c.id)
            .offset(keep)
        )
        async with self._database.writing() as connection:
            identities = (await connection.scalars(old)).all()
            if identities:
                gone = deployments.c.id.in_(identities)
                await connection.execute(delete(deployments).where(gone))
        return len(identities)
