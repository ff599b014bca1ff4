"""A daemon for tests of the client and the command line: answers the control and /v1 calls on a Unix socket from a script."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from llmd.errors import LlmdError, ModelNotFound
from tests.fakes.kept_sessions import KeptSessions

TINY = {
    "name": "llmd-tiny",
    "path": "/opt/llmd-tiny.gguf",
    "source": "builtin",
    "kind": "chat",
    "architecture": "qwen2",
    "parameters": 4_200_000,
    "quantization": "Q8_0",
    "size": 4_600_000,
    "context_length": 2048,
    "added": 0.0,
    "owned": False,
    "has_chat_template": True,
    "files": ["/opt/llmd-tiny.gguf"],
}
"""The built-in model's manifest."""

LOADED = {
    "name": "llmd-tiny",
    "state": "ready",
    "kind": "chat",
    "pid": 4242,
    "context_length": 2048,
    "parallel": 16,
    "device": "CPU",
    "running": 0,
    "memory": {"weights": 4_600_000, "kv_cache": 1_000_000, "resident": 130_000_000},
    "loaded_at": 0.0,
    "load_seconds": 0.5,
    "expires_in": 300.0,
    "progress": 1.0,
}
"""The built-in model in memory."""

USAGE = {
    "prompt_tokens": 15,
    "completion_tokens": 8,
    "total_tokens": 23,
    "prompt_tokens_details": {"cached_tokens": 4},
    "timings": {"queue_seconds": 0.0, "prefill_seconds": 0.1, "decode_seconds": 0.4},
}


@contextlib.contextmanager
def short_socket() -> Iterator[Path]:
    """Yield a path that fits the kernel's limit for sockets, which pytest's own directories may not."""
    with tempfile.TemporaryDirectory(prefix="llmd-", dir="/tmp") as directory:
        yield Path(directory) / "llmd.sock"


class FakeDaemon:
    """What the daemon will say, and what it was asked; serves while it is entered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.models: list[dict[str, Any]] = [dict(TINY)]
        self.loaded: list[dict[str, Any]] = []
        self.live: list[dict[str, Any]] = []
        self.ended: list[dict[str, Any]] = []
        self.pieces = ["The capital ", "of France ", "is Paris."]
        self.reasoning: list[str] = []
        """What comes before the pieces of a chat's answer."""
        self.pause = 0.0
        self.usage: dict[str, Any] = dict(USAGE)
        self.finish_reason = "stop"
        self.pull: list[dict[str, Any]] = []
        self.types: list[dict[str, Any]] = []
        self.cards: dict[str, dict[str, Any]] = {}
        """What `llmd show` is told, by what it asks for."""
        self.notes: list[str] = []
        """What creating a preset remarks."""
        self.removed: dict[str, Any] = {}
        """What removing a model says otherwise than usual."""
        self.disk: dict[str, Any] = {}
        self.cleared: dict[str, Any] = {}
        self.checked: list[dict[str, Any]] = []
        """What verifying says, line by line."""
        self.defaults: dict[str, Any] = {"defaults": []}
        self.settings: dict[str, Any] = {"value": "8000", "pending": True, "override": ""}
        """What any setting is to it."""
        self.failures: dict[str, LlmdError] = {}
        """Answers by path, instead of what would be said."""
        self.answers: dict[str, Any] = {}
        """Answers by path, lists as lines."""
        self.kept = KeptSessions()
        self.failure_after: LlmdError | None = None
        """Ends streams with this error after the first piece."""
        self.cut = False
        """Drops the connection after the first piece."""
        self.asked: list[tuple[str, str, Any]] = []
        self.left = threading.Event()
        """Set when a client went away in the middle of a stream."""
        self._server = _Server(path, self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def body(self, path: str) -> Any:
        """Return what was last sent to a path."""
        return next(body for _, asked, body in reversed(self.asked) if asked == path)

    def status(self) -> dict[str, Any]:
        return {
            "version": "0.1.0",
            "llama_cpp": "0.3.36",
            "pid": os.getpid(),
            "started_at": time.time() - 3700,
            "state": "running",
            "address": "http://127.0.0.1:8000",
            "socket": str(self.path),
            "log_file": "/var/log/llmd.log",
            "resident": 70_000_000,
            "requests": 0,
            "loaded": self.loaded,
            "models": len(self.models),
        }

    def model(self, name: str) -> dict[str, Any]:
        for model in self.models:
            if model["name"] == name:
                return model
        raise ModelNotFound(f"There is no model {name}.", hint="`llmd ls` lists models.")


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True

    def __init__(self, path: Path, daemon: FakeDaemon) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.script = daemon
        super().__init__(str(path), _Handler)  # type: ignore[arg-type]  typeshed knows only TCP addresses

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # clients may leave when they like
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Stay quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        script = self.server.script
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        script.asked.append((self.command, self.path, body))
        try:
            if failure := script.failures.get(self.path):
                raise failure
            scripted = script.answers.get(self.path)
            if isinstance(scripted, list):
                self._lines(script, scripted)
            elif scripted is not None:
                self._json(scripted)
            else:
                self._answer(script, self.path, body)
        except LlmdError as error:
            wire = error.to_wire()
            self._json(
                {"error": wire if "/control/" in self.path else _openai(error)}, error.status
            )
        except (BrokenPipeError, ConnectionResetError):
            script.left.set()
            self.close_connection = True

    def _answer(self, script: FakeDaemon, path: str, body: Any) -> None:
        if path in {"/v1/chat/completions", "/v1/completions"}:
            self._stream(script, body)
        elif path == "/v1/embeddings":
            texts = body["input"]
            data = [
                {"index": place, "embedding": [float(len(text)), 0.5]}
                for place, text in enumerate(texts)
            ]
            usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
            self._json({"model": body.get("model") or "minilm", "data": data, "usage": usage})
        elif path == "/control/verify":
            self._lines(script, script.checked)
        elif path == "/control/pull":
            self._lines(script, [*script.pull, {"model": {**TINY, "name": body["name"]}}])
        elif path == "/control/quantize":
            name = body["name"] or f"{body['model']}:{body['recipe']['type']}"
            self._lines(script, [*script.pull, {"model": {**TINY, "name": name}}])
        elif path.startswith("/control/quantizations"):
            self._json({"types": script.types})
        elif path == "/control/load":
            self._lines(
                script,
                [
                    {"status": "loading", "fraction": 0.5, "model": None},
                    {"status": "ready", "fraction": 1.0, "model": LOADED},
                ],
            )
        elif path.startswith("/control/sessions"):
            self._json(script.kept.answer(self.command, path, body))
        elif path.startswith("/control/models/"):
            self._library(script, unquote(path.removeprefix("/control/models/")), body)
        else:
            self._json(self._short(script, path, body))

    def _short(self, script: FakeDaemon, path: str, body: Any) -> dict[str, Any]:
        if path == "/control/unload":
            return {"unloaded": [body["model"] or "llmd-tiny"]}
        if path.startswith("/control/settings/"):
            return script.settings
        if path == "/control/inspect":
            return script.cards.get(body["model"]) or {
                **script.model(body["model"]),
                "state": "installed",
                "loaded": None,
                "problem": "",
                "metadata": {"general.name": "tiny", "tokenizer.chat_template": "a\nb"},
            }
        if path.startswith("/control/adapters/"):
            model = script.model(body["model"])
            name = body["name"] or Path(body["path"]).stem
            return {**model, "adapters": [{**body, "name": name}]}
        return {
            "/control/status": script.status(),
            "/control/ps": {"models": script.loaded},
            "/control/requests": {"live": script.live, "ended": script.ended},
            "/control/models": {"models": script.models, "default": script.models[-1]["name"]},
            "/control/stop": {"state": "draining"},
            "/control/disk": script.disk,
            "/control/gc": script.cleared,
            "/control/defaults": script.defaults,
        }[path]

    def _library(self, script: FakeDaemon, name: str, body: Any) -> None:
        if self.command == "DELETE":
            gone = {"removed": script.model(name)["name"], "freed": 4_600_000, "kept_file": None}
            self._json({**gone, **script.removed})
        elif name == "create":
            preset = {"base": body["changes"].get("from") or "base"}
            model = {**TINY, "name": body["name"], "preset": preset}
            self._json({"model": model, "notes": script.notes})
        elif name == "copy":
            self._json({**script.model(body["source"]), "name": body["target"]})
        elif name == "import":
            self._json({**TINY, "name": body["name"] or "imported", "path": body["path"]})
        else:
            metadata = {"general.name": "tiny", "tokenizer.chat_template": "a\nb"}
            self._json({**script.model(name), "loaded": None, "metadata": metadata})

    def _json(self, value: object, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, script: FakeDaemon, body: Any) -> None:
        chat = "messages" in body
        self._open("text/event-stream")
        for thought in script.reasoning if chat else ():
            self._event(self._chunk(body, [{"delta": {"reasoning_content": thought}}]))
        for place, piece in enumerate(script.pieces):
            if place and script.failure_after:
                self._event({"error": _openai(script.failure_after)})
                break
            if place and script.cut:
                self.close_connection = True
                return
            choice = {
                "index": 0,
                "finish_reason": None,
                **({"delta": {"content": piece}} if chat else {"text": piece}),
            }
            self._event(self._chunk(body, [choice]))
            time.sleep(script.pause)
        else:
            last = {
                "index": 0,
                "finish_reason": script.finish_reason,
                **({"delta": {}} if chat else {"text": ""}),
            }
            self._event(self._chunk(body, [last]))
            self._event({**self._chunk(body, []), "usage": script.usage})
            self._chunked(b": ping\n\ndata: [DONE]\n\n")
        self._chunked(b"")

    def _chunk(self, body: Any, choices: list[dict[str, Any]]) -> dict[str, Any]:
        model = body.get("model") or self.server.script.models[-1]["name"]
        return {
            "id": "x",
            "object": "chunk",
            "created": 0,
            "model": model,
            "choices": choices,
            "usage": None,
        }

    def _event(self, value: object) -> None:
        self._chunked(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _lines(self, script: FakeDaemon, events: list[dict[str, Any]]) -> None:
        self._open("application/x-ndjson")
        for event in events:
            self._chunked(json.dumps(event).encode() + b"\n")
            time.sleep(script.pause)
            if script.failure_after:
                self._chunked(
                    json.dumps({"error": script.failure_after.to_wire()}).encode() + b"\n"
                )
                break
        self._chunked(b"")

    def _open(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunked(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _openai(error: LlmdError) -> dict[str, Any]:
    return {
        "message": str(error),
        "type": "x",
        "param": error.param,
        "code": error.code,
        "details": error.details,
    }
