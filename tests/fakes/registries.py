"""An Ollama registry and a ModelScope on loopback, and the ways they go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes import tool_stores

BLOCK = 64 * 1024


@dataclass
class Site:
    """What both have in common."""

    url: str = ""
    refuse: list[int] = field(default_factory=list)
    """HTTP status with which each of the next requests is refused."""
    cut_after: list[int] = field(default_factory=list)
    """For each of the next contents: bytes after which the connection is cut."""
    pause: float = 0.0
    """Seconds between blocks of content."""
    calls: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """Paths of the contents that were sent, whole or not."""
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of the requests, in order."""

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._recorded])
        app.router.add_routes(self.routes())
        return app

    @web.middleware
    async def _recorded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        self.headers.append(dict(request.headers))
        if self.refuse:
            return web.Response(status=self.refuse.pop(0), text="refused on purpose")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def content(self, request: web.Request, data: bytes) -> web.StreamResponse:
        self.sent.append(request.path)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        stop = min(int(asked[2]) + 1, len(data)) if asked and asked[2] else len(data)
        headers = {"ETag": f'"{hashlib.md5(data).hexdigest()}"', "Accept-Ranges": "bytes"}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        response = web.StreamResponse(status=206 if asked else 200, headers=headers)
        response.content_length = stop - start
        await response.prepare(request)
        end = min(stop, start + self.cut_after.pop(0)) if self.cut_after else stop
        for position in range(start, end, BLOCK):
            await response.write(data[position : min(position + BLOCK, end)])
            await asyncio.sleep(self.pause)
        if end < stop:
            assert request.transport is not None
            request.transport.close()
        return response


@dataclass
class OllamaRegistry(Site):
    """Models by `namespace/model:tag`, and blobs, which another host serves, as Ollama's does."""

    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    """By digest, with `sha256:`."""
    lists_tags: bool = True
    private: set[str] = field(default_factory=set)

    def add(self, name: str, contents: dict[str, bytes]) -> bytes:
        """Add a model from its layers' contents by role."""
        for data in contents.values():
            self.blobs[f"sha256:{tool_stores.sha256(data)}"] = data
        written = tool_stores.manifest(
            [tool_stores.layer(role, data) for role, data in contents.items()]
        )
        self.manifests[name] = written
        return written

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v2/{name:.+}/manifests/{tag}", self._manifest),
            web.get("/v2/{name:.+}/tags/list", self._tags),
            web.get("/v2/{name:.+}/blobs/{digest}", self._blob),
            web.get("/elsewhere/{digest}", self._elsewhere),
        ]

    async def _manifest(self, request: web.Request) -> web.Response:
        assert tool_stores.MANIFEST in request.headers["Accept"]
        name, tag = request.match_info["name"], request.match_info["tag"]
        if name in self.private:
            return web.json_response({"errors": [{"code": "UNAUTHORIZED"}]}, status=401)
        data = self.blobs.get(tag) or self.manifests.get(f"{name}:{tag}")
        if data is None:
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
        return web.Response(body=data, content_type="text/plain")

    async def _tags(self, request: web.Request) -> web.Response:
        if not self.lists_tags:
            return web.Response(status=404, text="404 page not found")
        name = request.match_info["name"]
        tags = [key.rpartition(":")[2] for key in self.manifests if key.startswith(f"{name}:")]
        return web.json_response({"name": name, "tags": tags})

    async def _blob(self, request: web.Request) -> web.Response:
        digest = request.match_info["digest"]
        if digest not in self.blobs:
            return web.json_response({"errors": [{"code": "BLOB_UNKNOWN"}]}, status=404)
        elsewhere = self.url.replace("127.0.0.1", "localhost")
        raise web.HTTPTemporaryRedirect(f"{elsewhere}/elsewhere/{digest}")

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        return await self.content(request, self.blobs[request.match_info["digest"]])


@dataclass
class ModelScope(Site):
    """Repositories with their files."""

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    token: str = ""
    """When set, nothing is shown without it."""
    wrong_digest: bool = False
    listing: dict[str, Any] | None = None
    """Instead of the true list of files."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/models/{owner}/{repo}/repo/files", self._files),
            web.get("/api/v1/models/{owner}/{repo}/repo", self._content),
        ]

    def _repo(self, request: web.Request) -> dict[str, bytes]:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise web.HTTPForbidden
        name = f"{request.match_info['owner']}/{request.match_info['repo']}"
        if name not in self.repos:
            raise web.HTTPNotFound
        return self.repos[name]

    async def _files(self, request: web.Request) -> web.Response:
        assert request.query["Revision"] == "master"
        files = [
            {
                "Path": name,
                "Name": name.rpartition("/")[2],
                "Type": "blob",
                "Size": len(data),
                "Sha256": tool_stores.sha256(b"other" if self.wrong_digest else data),
                "IsLFS": True,
            }
            for name, data in self._repo(request).items()
        ]
        files.append({"Path": "sub", "Name": "sub", "Type": "tree", "Size": 0, "Sha256": ""})
        body = {"Code": 200, "Success": True, "Message": "success", "Data": {"Files": files}}
        return web.Response(text=json.dumps(self.listing or body), content_type="application/json")

    async def _content(self, request: web.Request) -> web.StreamResponse:
        return await self.content(request, self._repo(request)[request.query["FilePath"]])


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[None]:
    """Serve on a free port of the loopback interface; `site.url` says where."""
    runner = web.AppRunner(site.application(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        host, port = runner.addresses[0][:2]
        site.url = f"http://{host}:{port}"
        yield
    finally:
        await runner.cleanup()
