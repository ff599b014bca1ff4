"""A web server of files on loopback, in threads, that goes wrong in every way that servers do.

As a program (`python -m tests.fakes.fileserver FOLDER`) it serves a folder, quickly and well.
"""

from __future__ import annotations

import hashlib
import http.server
import os
import re
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 64 * 1024


@dataclass
class Asked:
    """One request that came."""

    path: str
    headers: dict[str, str]
    start: int = 0
    sent: int = 0
    status: int = 0


@dataclass
class Faults:
    """What goes wrong; lists are used up request by request."""

    refuse: list[int] = field(default_factory=list)
    """Statuses of the next requests."""
    retry_after: str = ""
    """Sent with refusals."""
    cut_after: list[int] = field(default_factory=list)
    """For each of the next contents: bytes after which the connection is cut."""
    stall_after: list[int] = field(default_factory=list)
    """The same, but nothing more comes and the connection stays."""
    pause: float = 0.0
    """Seconds between blocks."""
    block: int = BLOCK
    ranges: bool = True
    """Whether Range is honoured; a 200 comes otherwise."""
    shift_ranges: bool = False
    """Whether ranges begin a byte too late, and say so."""
    etag: str = ""
    """Sent in place of the content's own; `none`: no ETag."""
    announced: int | None = None
    """Content-Length in place of the true one."""
    chunked: bool = False
    """Whether the body comes in chunks, of no announced length."""
    encoding: str = ""
    """Content-Encoding that is claimed."""
    disposition: str = ""
    page: bool = False
    """Whether a web page comes in place of the file."""
    most: int = 0
    """Connections with content at the same time; more are refused with 503. 0: any number."""
    redirect: dict[str, str] = field(default_factory=dict)
    """Where paths lead to."""


@dataclass
class FileServer:
    """Files by path, faults, and what was asked; content requests are in `asked` in order."""

    files: dict[str, bytes] = field(default_factory=dict)
    folder: Path | None = None
    faults: Faults = field(default_factory=Faults)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    active: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def contents(self) -> list[Asked]:
        """Return the requests that were answered with content, looks at the beginning left out."""
        return [
            asked
            for asked in self.asked
            if asked.status in {200, 206} and asked.headers.get("range") != "bytes=0-511"
        ]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        site = self.server.site
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
        with site.lock:
            site.asked.append(asked)
            refusal = site.faults.refuse.pop(0) if site.faults.refuse else 0
            site.active += 1
            crowded = bool(site.faults.most) and site.active > site.faults.most
        try:
            with suppress(ConnectionError):
                self._answer(site, asked, refusal or (503 if crowded else 0))
        finally:
            with site.lock:
                site.active -= 1

    def _answer(self, site: FileServer, asked: Asked, refusal: int) -> None:
        path = self.path.partition("?")[0]
        if refusal or (
            path not in site.files and path not in site.faults.redirect and not site.folder
        ):
            self._plain(asked, refusal or 404)
        elif path in site.faults.redirect:
            asked.status = 302
            self.send_response(302)
            self.send_header("Location", site.faults.redirect[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif site.folder:
            self._file(site.folder / path.lstrip("/"), asked)
        else:
            self._content(site, asked, site.files[path])

    def _plain(self, asked: Asked, status: int) -> None:
        asked.status = status
        self.send_response(status)
        if self.server.site.faults.retry_after:
            self.send_header("Retry-After", self.server.site.faults.retry_after)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"refused")

    def _range(self, asked: Asked, size: int, etag: str) -> tuple[int, int] | None:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
        held = asked.headers.get("if-range", etag) == etag
        if match is None or not held or not self.server.site.faults.ranges:
            return None
        return int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)

    def _file(self, path: Path, asked: Asked) -> None:
        size = path.stat().st_size
        span = self._range(asked, size, '"file"')
        start, end = span or (0, size)
        self._head(asked, start, end, size, partial=span is not None, etag='"file"')
        self.wfile.flush()
        with path.open("rb") as file:
            while start < end:
                start += os.sendfile(self.connection.fileno(), file.fileno(), start, end - start)

    def _head(
        self, asked: Asked, start: int, end: int, size: int, *, partial: bool, etag: str
    ) -> None:
        faults = self.server.site.faults
        asked.status, asked.start = 206 if partial else 200, start
        self.send_response(asked.status)
        if etag:
            self.send_header("ETag", etag)
        if partial:
            shown = start + 1 if faults.shift_ranges and start else start
            self.send_header("Content-Range", f"bytes {shown}-{end - 1}/{size}")
        if faults.encoding:
            self.send_header("Content-Encoding", faults.encoding)
        if faults.disposition:
            self.send_header("Content-Disposition", faults.disposition)
        if faults.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            length = end - start if faults.announced is None else faults.announced - start
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _content(self, site: FileServer, asked: Asked, content: bytes) -> None:
        faults = site.faults
        if faults.page:
            content = b"<!DOCTYPE html><title>Sorry</title>" * 100
        etag = faults.etag or f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        etag = "" if etag == "none" else etag
        span = self._range(asked, len(content), etag)
        if span and span[0] >= len(content):
            asked.status = 416
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, end = span or (0, len(content))
        self._head(asked, start, end, len(content), partial=span is not None, etag=etag)
        looks = asked.headers.get("range") == "bytes=0-511"
        with site.lock:
            cut = faults.cut_after.pop(0) if faults.cut_after and not looks else None
            stall = faults.stall_after.pop(0) if faults.stall_after and not looks else None
        self._body(site, asked, content[start:end], cut, stall)

    def _body(
        self, site: FileServer, asked: Asked, body: bytes, cut: int | None, stall: int | None
    ) -> None:
        for position in range(0, len(body), site.faults.block):
            if cut is not None and asked.sent >= cut:
                self.close_connection = True
                return
            if stall is not None and asked.sent >= stall:
                site.closing.wait(3600)
                self.close_connection = True
                return
            block = body[position : position + site.faults.block]
            self.wfile.write(
                b"%x\r\n%b\r\n" % (len(block), block) if site.faults.chunked else block
            )
            asked.sent += len(block)
            if site.faults.pause:
                time.sleep(site.faults.pause)
        if site.faults.chunked:
            self.wfile.write(b"0\r\n\r\n")


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients leave whenever they like."""

    def __init__(self, site: FileServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site
        site.url = f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(site: FileServer) -> Iterator[FileServer]:
    """Serve on a free port of the loopback interface; `site.url` says where."""
    with _Server(site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.closing.set()
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve a folder until killed."""
    server = _Server(FileServer(folder=Path(sys.argv[1])))
    print(server.site.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
