from __future__ import annotations

import asyncio

import msgspec
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql

from llmd.errors import NotFound
from llmd.protocol.deployments import Deployment, DeploymentOrder, DeploymentStatus
from llmd.services.deploying.course import begun
from llmd.storage import Database
from llmd.storage.deployments import DeploymentRepository
from llmd.storage.tables.deployments import deployments


@pytest.fixture
def repository(database: Database) -> DeploymentRepository:
    return DeploymentRepository(database, "here")


def made(at: float, status: DeploymentStatus = DeploymentStatus.IN_PROGRESS) -> Deployment:
    order = DeploymentOrder(model_type="模型'; DROP TABLE deployments; --")
    new = begun("m", order, "u", ["node"], at)
    return msgspec.structs.replace(new, status=status)


async def test_a_deployment_comes_back_as_it_was_kept_last(
    repository: DeploymentRepository,
) -> None:
    one = made(1.25)
    await repository.put(one)
    later = msgspec.structs.replace(one, progress=50, model_id="n")
    await repository.put(later)
    assert await repository.get(one.id) == later
    assert await repository.latest(0, 10) == [later]


@pytest.mark.parametrize("identity", ["deploy-000000000000", "", "\0", "\ud800", "x" * 10_000])
async def test_what_was_never_kept_is_not_found(
    repository: DeploymentRepository, identity: str
) -> None:
    with pytest.raises(NotFound):
        await repository.get(identity)


async def test_each_daemon_goes_on_with_its_own(
    repository: DeploymentRepository, database: Database
) -> None:
    mine, old = made(2.0), made(1.0)
    ended, theirs = made(3.0, DeploymentStatus.FAILED), made(4.0)
    for one in (mine, old, ended):
        await repository.put(one)
    other = DeploymentRepository(database, "elsewhere")
    await other.put(theirs)
    assert await repository.unfinished() == [old, mine]
    assert await other.unfinished() == [theirs]
    # but all of them can be asked for by those who know their ids
    assert await repository.get(theirs.id) == theirs


async def test_lists_are_in_pages_newest_first(repository: DeploymentRepository) -> None:
    for at in range(5):
        await repository.put(made(float(at)))
    assert [one.created_at for one in await repository.latest(1, 2)] == [3.0, 2.0]


async def test_old_ones_that_have_ended_are_forgotten(
    repository: DeploymentRepository, database: Database
) -> None:
    running = made(0.0)
    theirs = made(0.0, DeploymentStatus.COMPLETED)
    await repository.put(running)
    await DeploymentRepository(database, "elsewhere").put(theirs)
    for at in range(1, 6):
        await repository.put(made(float(at), DeploymentStatus.COMPLETED))
    assert await repository.prune(2) == 3
    assert [one.created_at for one in await repository.latest(0, 10)] == [5.0, 4.0, 0.0]
    assert await repository.get(theirs.id) == theirs
    assert await repository.prune(2) == 0


async def test_two_writers_of_one_deployment_do_not_double_it(
    repository: DeploymentRepository,
) -> None:
    one = made(1.0)
    await asyncio.gather(*(repository.put(one) for _ in range(20)))
    assert len(await repository.latest(0, 100)) == 1


def test_statements_are_understood_by_postgresql() -> None:
    there = deployments.c.id == "x"
    for statement in (
        select(deployments.c.record).where(there).offset(3),
        update(deployments).where(there).values(status="x"),
        delete(deployments).where(deployments.c.id.in_(["x"])),
    ):
        assert "deployments" in str(statement.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
