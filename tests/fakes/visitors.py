"""A browser as far as HTTP goes: it keeps cookies, follows nothing, and shows the stamps of its pages."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

PAGE = {"Accept": "text/html,application/xhtml+xml"}


class Visitor:
    """Somebody with a browser."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def open(self, path: str, **headers: str) -> ClientResponse:
        """Go to a page; headers are written with underscores."""
        sent = {**PAGE, **_named(headers)}
        return await self.client.get(path, headers=sent, allow_redirects=False)

    async def stamp(self, path: str = "/login") -> str:
        """Return the stamp of a page."""
        answer = await self.open(path)
        if answer.status == 303:  # who has logged in gets no form for it
            answer = await self.open("/")
        text = await answer.text()
        found = re.search(r'<meta name="stamp" content="([\w-]+)">', text)
        assert found, text
        return found[1]

    async def send(
        self, path: str, stamp: str | None = None, method: str = "POST", **fields: str
    ) -> ClientResponse:
        """Send a form with the stamp of the login page, or another one."""
        shown = await self.stamp() if stamp is None else stamp
        return await self.client.request(
            method, path, data={"stamp": shown, **fields}, headers=PAGE, allow_redirects=False
        )

    def cookie(self, what: str) -> str:
        """Return what the browser keeps."""
        return next((one.value for one in self.client.session.cookie_jar if what in one.key), "")

    def keep(self, what: str, value: str) -> None:
        """Have the browser keep something else."""
        name = f"llmd-{what}-{self.client.port}"
        self.client.session.cookie_jar.update_cookies({name: value}, self.client.make_url("/"))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
