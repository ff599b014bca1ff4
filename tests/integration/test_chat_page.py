"""The chat page's calls against a real daemon: answers outlive connections, and what came of one
outlives the daemon.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.integration.conftest import Daemon, MakeDaemon, wait_for

ENDLESS = {"ignore_eos": True, "context_overflow": "shift", "temperature": 0}
SHORT = {"max_tokens": 400, **ENDLESS}


class Page:
    """A browser with the chat page open."""

    def __init__(self, daemon: Daemon) -> None:
        self._headers: dict[str, str] = {}
        self._place = urlsplit(daemon.address).netloc
        with self._asked("GET", "/", Accept="text/html") as response:
            cookies = response.headers.get_all("Set-Cookie", [])
            text = response.read().decode()
        self._headers = {"Cookie": "; ".join(one.partition(";")[0] for one in cookies)}
        found = re.search(r'<meta name="stamp" content="([\w-]+)">', text)
        assert found, text
        self._headers["X-LLMD-Stamp"] = found[1]

    @contextmanager
    def _asked(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self._place, timeout=60)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {**self._headers, **headers})
            yield connection.getresponse()
        finally:
            connection.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        with self._asked(method, path, body) as response:
            data = response.read()
            assert response.status < 300, data
            return json.loads(data) if data else None

    def ask(self, session: str, content: str, **more: object) -> str:
        order = {"content": content, "request_id": content, **more}
        return str(self.call("POST", f"/web/chat/sessions/{session}/turns", order)["turn"])

    def hear(self, turn: str, last: str = "0") -> Generator[tuple[str, str, dict[str, Any]]]:
        """Yield events; closing this drops the connection."""
        path = f"/web/chat/turns/{turn}/events"
        with self._asked("GET", path, **{"Last-Event-ID": last}) as response:
            assert response.status == 200
            fields: dict[str, str] = {}
            for line in iter(response.readline, b""):
                name, _, value = line.decode().rstrip("\n").partition(": ")
                fields[name] = value
                if not name and "data" in fields:
                    yield fields["id"], fields["event"], json.loads(fields["data"])


def test_who_comes_back_goes_on_behind_what_they_heard(make_daemon: MakeDaemon) -> None:
    page = Page(make_daemon())
    session = page.call("POST", "/web/chat/sessions", {})["id"]
    turn = page.ask(session, "Count!", parameters=SHORT)
    said, last = "", "0"
    for dropped in (True, True, True, False):
        heard = page.hear(turn, last)
        for number, (place, kind, facts) in enumerate(heard):
            said += facts["text"] if kind == "text" else ""
            last = place
            if dropped and number == 3:
                heard.close()
                break
    assert kind == "done"
    assert facts["message"]["content"] == said
    assert facts["message"]["info"]["usage"]["completion_tokens"] == 400
    assert facts["message"]["info"]["tokens_per_second"] > 0
    shown = page.call("GET", f"/web/chat/sessions/{session}")
    assert shown["messages"][-1] == facts["message"]
    assert shown["turn"] is None


def test_what_came_of_an_answer_outlives_the_daemon(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_SERVER_DRAIN_TIMEOUT="0.2")
    page = Page(daemon)
    session = page.call("POST", "/web/chat/sessions", {})["id"]
    turn = page.ask(session, "Go on for ever.", parameters=ENDLESS)
    heard = page.hear(turn)
    for _, kind, _facts in heard:
        if kind == "text":
            break
    assert (daemon.loaded() or {}).get("running") == 1
    assert daemon.process
    daemon.process.send_signal(signal.SIGTERM)
    ending = [(kind, facts) for _, kind, facts in heard if kind in {"failed", "done"}]
    daemon.process.communicate(timeout=30)
    assert daemon.process.returncode == 0
    assert [(kind, facts["code"], facts["kept"]) for kind, facts in ending] == [
        ("failed", "draining", True)
    ]
    page = Page(daemon.start())
    question, answer = page.call("GET", f"/web/chat/sessions/{session}")["messages"]
    assert question["content"] == "Go on for ever."
    assert answer["content"]
    assert answer["info"]["partial"]
    assert answer == ending[0][1]["answer"]
    assert page.call("GET", "/web/chat/sessions")["sessions"][0]["id"] == session


def test_a_stop_frees_the_model(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    page = Page(daemon)
    session = page.call("POST", "/web/chat/sessions", {})["id"]
    turn = page.ask(session, "Go on for ever.", parameters=ENDLESS)
    wait_for(lambda: (daemon.loaded() or {}).get("running"))
    page.call("POST", f"/web/chat/turns/{turn}/stop")
    wait_for(lambda: not (daemon.loaded() or {}).get("running"))
    assert not page.call("GET", f"/web/chat/sessions/{session}")["session"]["running"]
