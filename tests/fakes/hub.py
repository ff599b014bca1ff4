"""A Hugging Face hub on loopback: the calls that huggingface_hub makes for a download, and the ways they go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web

COMMIT = "c0ffee" + "0" * 34
BLOCK = 64 * 1024


@dataclass
class Repo:
    """One repository and what is special about it."""

    files: dict[str, bytes]
    gated: bool = False
    claimed_size: int | None = None
    """Announced in place of the true size of every file."""
    wrong_digest: bool = False
    etag: str = ""
    """Sent in place of the content's digest."""


@dataclass(frozen=True)
class Served:
    """One answered request for a file's content."""

    file: str
    start: int
    sent: int


@dataclass
class Hub:
    """Repositories, and the faults to show; `served` and `calls` record what was asked."""

    repos: dict[str, Repo] = field(default_factory=dict)
    url: str = ""
    token: str = ""
    """When set, gated repositories open to it."""
    cut_after: list[int] = field(default_factory=list)
    """For each of the next content requests: bytes after which the connection is cut."""
    refuse: list[int] = field(default_factory=list)
    """HTTP status with which each of the next requests, of any kind, is refused."""
    refuse_content: list[int] = field(default_factory=list)
    """The same for content requests alone."""
    stall_after: int | None = None
    """Content requests stop sending after this many bytes, and wait."""
    pause: float = 0.0
    """Seconds between blocks."""
    ranges: bool = True
    """Whether Range is honoured."""
    served: list[Served] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        """Return the server's application."""
        app = web.Application(middlewares=[self._recorded])
        app.router.add_get("/api/models/{owner}/{repo}", self._info)
        app.router.add_get("/api/models/{owner}/{repo}/revision/{revision}", self._info)
        app.router.add_route("*", "/{owner}/{repo}/resolve/{revision}/{file:.+}", self._content)
        return app

    @web.middleware
    async def _recorded(self, request: web.Request, handler: web.Handler) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if self.refuse:
            raise _refusal(self.refuse.pop(0))
        return await handler(request)

    def _repo(self, request: web.Request) -> Repo:
        name = f"{request.match_info['owner']}/{request.match_info['repo']}"
        if name not in self.repos:
            # the hub does not tell strangers whether a repository exists
            raise web.HTTPUnauthorized(headers={"X-Error-Code": "RepoNotFound"})
        return self.repos[name]

    async def _info(self, request: web.Request) -> web.Response:
        repo = self._repo(request)
        siblings = []
        for name, content in repo.files.items():
            size = repo.claimed_size or len(content)
            digest = hashlib.sha256(b"" if repo.wrong_digest else content).hexdigest()
            lfs = {"size": size, "sha256": digest, "pointerSize": 134}
            siblings.append({"rfilename": name, "size": size, "blobId": "0" * 40, "lfs": lfs})
        name = request.path.removeprefix("/api/models/")
        return web.json_response(
            {"id": name, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}
        )

    async def _content(self, request: web.Request) -> web.StreamResponse:
        repo = self._repo(request)
        file = request.match_info["file"]
        if repo.gated and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise web.HTTPForbidden(headers={"X-Error-Code": "GatedRepo"})
        if file not in repo.files:
            raise web.HTTPNotFound(headers={"X-Error-Code": "EntryNotFound"})
        content = repo.files[file]
        size = repo.claimed_size or len(content)
        headers = {
            "ETag": f'"{repo.etag or hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(size),
            "Accept-Ranges": "bytes",
        }
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(size)})
        if self.refuse_content:
            raise _refusal(self.refuse_content.pop(0))
        return await self._send(request, file, content, headers)

    async def _send(
        self, request: web.Request, file: str, content: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        asked = asked if self.ranges else None
        start, size = int(asked[1]) if asked else 0, len(content)
        if asked:
            content = content[: int(asked[2]) + 1] if asked[2] else content
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{size}"
        response = web.StreamResponse(status=206 if asked else 200, headers=headers)
        response.content_length = len(content) - start
        await response.prepare(request)
        end = min(len(content), start + self.cut_after.pop(0)) if self.cut_after else len(content)
        position = start
        try:
            while position < end:
                block = content[position : min(position + BLOCK, end)]
                await response.write(block)
                position += len(block)
                await asyncio.sleep(self.pause)
                if self.stall_after is not None and position - start >= self.stall_after:
                    await asyncio.sleep(3600)
        finally:
            self.served.append(Served(file, start, position - start))
        if end < len(content):
            assert request.transport is not None
            request.transport.close()
        return response


def _refusal(status: int) -> web.HTTPException:
    class Refusal(web.HTTPException):
        status_code = status

    return Refusal(text="refused on purpose")


@asynccontextmanager
async def serving(hub: Hub) -> AsyncIterator[Hub]:
    """Serve on a free port of the loopback interface; `hub.url` says where."""
    runner = web.AppRunner(hub.application(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        hub.url = f"http://{host}:{port}"
        yield hub
    finally:
        await runner.cleanup()


@contextmanager
def serving_in_thread(hub: Hub) -> Iterator[Hub]:
    """As `serving`, for tests that wait for daemons themselves."""
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        async with serving(hub):
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield hub
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()
