"""The control calls of kept conversations, in memory."""

from __future__ import annotations

import time
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from llmd.errors import NotFound


class KeptSessions:
    """What a fake daemon keeps."""

    def __init__(self) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.messages: dict[str, list[dict[str, Any]]] = {}

    def make(self, title: str, *lines: tuple[str, str], model: str = "llmd-tiny") -> str:
        """Keep a conversation and return its id."""
        made = self.answer("POST", "/control/sessions", {"title": title, "model": model})
        new = [{"role": role, "content": content} for role, content in lines]
        self.answer("POST", f"/control/sessions/{made['id']}/messages", {"messages": new})
        return str(made["id"])

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        rest = url.path.removeprefix("/control/sessions").strip("/").split("/")
        if rest == [""]:
            return self._create(body) if method == "POST" else self._list(query)
        if rest == ["find"]:
            found = self._find(query["name"])
            return {"session": found, "messages": len(self.messages[found["id"]])}
        session = self._find(rest[0])
        if rest[1:] == ["messages"] and method == "POST":
            new = [{"id": str(uuid.uuid4()), **message} for message in body["messages"]]
            self.messages[session["id"]] += new
            return {"messages": new}
        if rest[1:2] == ["messages"] and method == "DELETE":
            kept = self.messages[session["id"]]
            place = [message["id"] for message in kept].index(rest[2])
            del kept[place:]
            return {"removed": rest[2]}
        if rest[1:] == ["messages"]:
            skip, limit = int(query["skip"]), int(query["limit"])
            return {"messages": self.messages[session["id"]][skip : skip + limit]}
        if rest[1:] == ["history"]:
            lines = self.messages[session["id"]]
            return {"history": [{key: line[key] for key in ("role", "content")} for line in lines]}
        if method == "DELETE":
            self.sessions.remove(session)
            return {"removed": session["id"]}
        session.update({key: value for key, value in body.items() if value is not None})
        return session

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        now = time.time()
        made = {
            "id": str(uuid.uuid4()),
            "owner": "",
            "is_active": True,
            "created_at": now,
            "updated_at": now,
            **body,
        }
        self.sessions.insert(0, made)
        self.messages[made["id"]] = []
        return made

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        skip, limit = int(query["skip"]), int(query["limit"])
        return {"sessions": self.sessions[skip : skip + limit]}

    def _find(self, name: str) -> dict[str, Any]:
        for session in self.sessions:
            if session["id"].startswith(name) or session["title"] == name:
                return session
        raise NotFound(f"There is no session {name!r}.")
