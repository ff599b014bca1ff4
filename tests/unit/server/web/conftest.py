"""Visitors of the application over fake workers; templates are read once for all tests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from llmd.config.settings import AuthMode
from llmd.protocol.callers import Role
from llmd.server.web import pages
from tests.fakes.accounts import PASSWORD
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Guard, Guarded


@pytest.fixture(scope="session")
def site() -> pages.Site:
    """All templates, words and files."""
    return pages._build()


@pytest.fixture(autouse=True)
def _built_already(site: pages.Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_build", lambda: site)


class Village(Visitor):
    """A visitor of a daemon that asks who comes, and the daemon."""

    def __init__(self, guarded: Guarded) -> None:
        super().__init__(guarded.client)
        self.guarded = guarded
        self.accounts = guarded.bench.accounts

    async def log_in(self, name: str = "ann", role: Role = Role.USER, **fields: str) -> str:
        """Have an account made and log in with it; return the name."""
        await self.accounts.users.create(name, PASSWORD, role)
        answer = await self.send("/login", name=name, password=PASSWORD, **fields)
        assert answer.status == 303, await answer.text()
        return name


Arrive = Callable[..., Coroutine[Any, Any, Village]]


@pytest.fixture
def arrive(guard: Guard) -> Arrive:
    """Return a function that serves TCP and visits it."""

    async def come(mode: AuthMode = AuthMode.USERS, **settings: Any) -> Village:
        return Village(await guard(mode, **settings))

    return come
