from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from llmd.protocol.accounts import AuditKind, AuditWish
from llmd.protocol.callers import Caller
from llmd.services.audit import Audit
from llmd.storage.audit import AuditRepository
from tests.fakes.databases import database

ADMIN = Caller(user="u", label="root", address="192.0.2.1")


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[Audit]:
    made = database(tmp_path)
    found = Audit(AuditRepository(made), clock=lambda: 1000.0)
    yield found
    await found.close()
    await made.close()


async def test_what_is_noted_is_logged_and_listed(audit: Audit) -> None:
    with capture_logs() as logs:
        audit.note(AuditKind.USER_ADDED, ADMIN, "ann", "admin")
    assert logs[0] == {
        "event": "user_added",
        "log_level": "info",
        "actor": "user:root",
        "subject": "ann",
        "address": "192.0.2.1",
        "detail": "admin",
    }
    [entry] = await audit.list()
    assert (entry.at, entry.kind, entry.actor) == (1000.0, AuditKind.USER_ADDED, "user:root")


@pytest.mark.parametrize(
    ("caller", "actor"),
    [
        (None, "owner"),
        (Caller(owner=True), "owner"),
        (Caller(user="u", key="k", label="llmd-abc"), "key:llmd-abc"),
        (Caller(address="::1"), "nobody"),
    ],
)
async def test_everybody_has_a_name(audit: Audit, caller: Caller | None, actor: str) -> None:
    audit.note(AuditKind.KEY_REMOVED, caller)
    assert (await audit.list())[0].actor == actor


async def test_the_same_refusal_is_noted_once_a_minute(audit: Audit) -> None:
    for number in range(100):
        audit.refused(Caller(client="address:a"), "admin")
        audit.refused(Caller(client=f"address:{number % 2}"), "admin")
    assert len(await audit.list(1000)) == 3


async def test_a_flood_of_strangers_takes_bounded_memory(audit: Audit) -> None:
    for number in range(3000):
        audit.refused(Caller(client=f"address:{number}"), "admin")
    assert len(audit._refused) == 1000


async def test_long_texts_are_cut(audit: Audit) -> None:
    audit.note(AuditKind.REFUSED, None, "x" * 10_000, "y" * 10_000)
    [entry] = await audit.list()
    assert (len(entry.subject), len(entry.detail)) == (200, 200)


async def test_a_page_has_what_was_noted_a_moment_ago(audit: Audit) -> None:
    audit.note(AuditKind.USER_ADDED, ADMIN, "ann")
    audit.note(AuditKind.KEY_ADDED, ADMIN, "llmd-abc")
    page = await audit.page(AuditWish(limit=1))
    assert [entry.subject for entry in page.entries] == ["llmd-abc"]
    assert page.older is not None
