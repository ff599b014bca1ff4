"""What the chat page needs of a daemon, in memory: models, sessions, scripted answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from llmd.errors import DaemonUnreachable, LlmdError, NotFound


def chunk(text: str = "", *, thought: str = "", **more: Any) -> dict[str, Any]:
    """Return a chunk of a streamed answer."""
    delta = {"content": text, "reasoning_content": thought or None}
    return {"model": more.pop("model", "tiny"), "choices": [{"index": 0, "delta": delta, **more}]}


USAGE = {
    "choices": [],
    "usage": {
        "prompt_tokens": 1300,
        "completion_tokens": 312,
        "prompt_tokens_details": {"cached_tokens": 1200},
        "timings": {"decode_seconds": 8.0},
    },
}


class ChatDaemon:
    """Answers as the daemon does; `script` has what the next answers are made of: chunks, errors,
    or None to wait until `go` is set.
    """

    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = [
            {"name": "tiny", "kind": "chat", "vision": False},
            {"name": "eyes", "kind": "chat", "vision": True},
            {"name": "embedder", "kind": "embedding", "vision": False},
        ]
        self.sessions: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[tuple[str, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.traces: list[str] = []
        self.script: list[dict[str, Any] | LlmdError | None] = []
        self.go = asyncio.Event()
        self.down = False
        self.now = time.time() - 7230
        self._ids = count(1)

    def keep(self, title: str, *said: tuple[str, str], **metadata: Any) -> str:
        """Make a session; return its id."""
        name = f"s{next(self._ids)}"
        self.sessions[name] = {"id": name, "title": title, "model": "", "updated_at": self.now}
        self.messages[name] = []
        self._add(name, [{"role": r, "content": c, "metadata_info": metadata} for r, c in said])
        return name

    def said(self, session: str) -> list[tuple[str, str]]:
        """Return who said what."""
        return [(one["role"], one["content"]) for one in self.messages[session]]

    async def get(self, path: str) -> dict[str, Any]:
        """Answer as `GET` does."""
        parts, query = self._called("GET", path)
        if parts == ["models"]:
            return {"models": self.models, "default": "tiny"}
        if parts == ["sessions"]:
            words = query.get("words", "")
            skip, limit = int(query["skip"]), int(query["limit"])
            found = [one for one in reversed(self.sessions.values()) if words in one["title"]]
            return {"sessions": found[skip : skip + limit]}
        if parts == ["sessions", "find"]:
            one = self._one(query["name"])
            return {"session": one, "messages": len(self.messages[one["id"]])}
        messages = self.messages[self._one(parts[1])["id"]]
        skip, limit = int(query["skip"]), int(query["limit"])
        return {"messages": messages[skip : skip + limit]}

    async def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """Answer as `POST` does."""
        parts, _ = self._called("POST", path)
        if parts == ["sessions"]:
            name = self.keep(body["title"])
            self.sessions[name]["model"] = body["model"]
            return self.sessions[name]
        one = self._one(parts[1])
        if parts[2:] == ["messages"]:
            first = next((m["content"] for m in body["messages"] if m["role"] == "user"), "")
            one["title"] = one["title"] or first
            return {"messages": self._add(one["id"], body["messages"])}
        one.update({name: value for name, value in body.items() if value is not None})
        return one

    async def delete(self, path: str) -> dict[str, Any]:
        """Answer as `DELETE` does."""
        parts, _ = self._called("DELETE", path)
        name = self._one(parts[1])["id"]
        if len(parts) == 2:
            del self.sessions[name], self.messages[name]
            return {"removed": name}
        ids = [message["id"] for message in self.messages[name]]
        if parts[3] not in ids:
            raise NotFound("There is no such message.")
        gone = len(ids) - ids.index(parts[3])
        del self.messages[name][ids.index(parts[3]) :]
        return {"removed": gone}

    async def stream_events(
        self, path: str, body: object = None, method: str = "POST", trace: str = ""
    ) -> AsyncGenerator[dict[str, Any]]:
        """Play the script."""
        assert path == "/v1/chat/completions"
        assert isinstance(body, dict)
        self._called(method, path)
        self.asked.append(body)
        self.traces.append(trace)
        for step in self._steps():
            if step is None:
                await self.go.wait()
            elif isinstance(step, LlmdError):
                raise step
            else:
                yield step

    async def close(self) -> None:
        """Nothing is open."""

    def _steps(self) -> Iterator[dict[str, Any] | LlmdError | None]:
        played, self.script = self.script, []
        yield from played or [chunk("An "), chunk("answer.", finish_reason="stop"), USAGE]

    def _called(self, method: str, path: str) -> tuple[list[str], dict[str, str]]:
        self.calls.append((method, path))
        if self.down:
            raise DaemonUnreachable("The daemon is not running.", hint="Start it.")
        found = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(found.query).items()}
        return found.path.removeprefix("/control/").split("/"), query

    def _one(self, name: str) -> dict[str, Any]:
        if name not in self.sessions:
            raise NotFound(f"There is no session {name!r}.")
        return self.sessions[name]

    def _add(self, session: str, new: list[dict[str, Any]]) -> list[dict[str, Any]]:
        made = [{"tokens": None, **message, "id": f"m{next(self._ids)}"} for message in new]
        self.messages[session] += made
        return made
