"""Requests over TCP as plain as the documents show them, and answers to the byte."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit


class Reply:
    """An answer over TCP, whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.data = response.read()

    def json(self) -> Any:
        return json.loads(self.data)

    def events(self) -> list[Any]:
        lines = self.data.decode().removesuffix("\n\n").split("\n\n")
        assert all(line.startswith("data: ") for line in lines)
        return [line[6:] if "[DONE]" in line else json.loads(line[6:]) for line in lines]


def send(address: str, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def chunks(address: str, path: str, body: Any) -> list[bytes]:
    """Return the chunks of an answer as HTTP/1.1 carries them."""
    url = urlsplit(address)
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection((url.hostname, url.port), 60) as connection:
        connection.sendall(head.encode() + data)
        rest = connection.makefile("rb").read().partition(b"\r\n\r\n")[2]
    found = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        found.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    return found[:-1]


def same_shape(shown: Any, found: Any) -> None:
    """Check that everything the document shows is there, of the same type."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert key in found
            same_shape(value, found[key])
    elif isinstance(shown, list):
        assert found
        for item in found:
            same_shape(shown[0], item)
    elif isinstance(shown, float):
        assert isinstance(found, float | int)
    else:
        assert isinstance(found, type(shown))
