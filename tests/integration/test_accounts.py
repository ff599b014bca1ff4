"""Two people and a stranger at a real daemon that asks who calls."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.conftest import ENDLESS, Daemon, MakeDaemon, chat, wait_for

PASSWORD = "correct horse 电池"


class Guarded:
    """A daemon and its TCP side."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def connect(self) -> http.client.HTTPConnection:
        place = urlsplit(self.daemon.address)
        return http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)

    def ask(
        self, method: str, path: str, token: str = "", body: object = None
    ) -> tuple[int, Any, dict[str, str]]:
        connection = self.connect()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            data = answer.read()
            kind = answer.headers.get_content_type()
            found = json.loads(data) if kind == "application/json" else data.decode()
            return answer.status, found, dict(answer.headers)
        finally:
            connection.close()

    def stream(self, token: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = self.connect()
        body = {"model": "llmd-tiny", "stream": True, **ENDLESS}
        headers = {"Authorization": f"Bearer {token}"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        return connection, connection.getresponse()

    def llmd(self, *arguments: str, stdin: str = "") -> str:
        run = subprocess.run(
            [sys.executable, "-m", "llmd", *arguments],
            env={**self.daemon.environment, "LLMD_NO_AUTOSTART": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return run.stdout.strip()

    def user(self, name: str, role: str = "user") -> None:
        self.llmd("users", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD + "\n")

    def login(self, name: str, password: str = PASSWORD) -> tuple[int, Any]:
        body = {"username": name, "password": password}
        status, found, _ = self.ask("POST", "/api/v1/auth/login", body=body)
        return status, found["data"]

    def refresh(self, token: str) -> tuple[int, Any]:
        body = {"refresh_token": token}
        status, found, _ = self.ask("POST", "/api/v1/auth/refresh", body=body)
        return status, found["data"]


def events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    while line := response.readline():
        if line.startswith(b"data: {"):
            yield json.loads(line[6:])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("guarded")
    daemon = Daemon(home, LLMD_SECURITY_MODE="users").start()
    found = Guarded(daemon)
    found.user("root", "admin")
    found.user("ann")
    found.user("bob")
    yield found
    assert daemon.stop() == 0


def test_a_stranger_learns_that_it_is_healthy_and_nothing_else(guarded: Guarded) -> None:
    assert guarded.ask("GET", "/health")[0] == 200
    for path in ("/v1/models", "/metrics", "/api/v1/admin/users"):
        status, _, headers = guarded.ask("GET", path)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer"), path
    for forged in ("any-key", "llmd-forged", "llmd-' OR 1=1 --"):
        status, body, _ = guarded.ask("POST", "/v1/chat/completions", forged, chat("Hello"))
        assert (status, body["error"]["type"]) == (401, "authentication_error")


def test_two_users_one_limited_by_scope_and_one_revoked_in_mid_stream(guarded: Guarded) -> None:
    anns = guarded.llmd("keys", "add", "--user", "ann", "--scope", "models:read")
    bobs = guarded.llmd("keys", "add", "--user", "bob", "--name", "bob's laptop")
    assert guarded.ask("GET", "/v1/models", anns)[0] == 200
    status, body, _ = guarded.ask("POST", "/v1/chat/completions", anns, chat("Hello"))
    assert (status, body["error"]["type"]) == (403, "permission_error")

    others = guarded.llmd("keys", "add", "--user", "ann")
    connection, response = guarded.stream(bobs)
    beside, running = guarded.stream(others)
    seen = events(response)
    assert "error" not in next(seen)
    guarded.llmd("keys", "disable", "bob's laptop")
    *_, last = seen
    assert last["error"]["code"] == "unauthorized"
    assert last["error"]["type"] == "authentication_error"
    # its place is free, and the other one goes on
    wait_for(lambda: (guarded.daemon.loaded() or {}).get("running") == 1)
    going = events(running)
    assert all("error" not in next(going) for _ in range(20))
    connection.close()
    beside.close()
    assert guarded.ask("GET", "/v1/models", bobs)[0] == 401
    guarded.llmd("keys", "enable", "bob's laptop")
    assert guarded.ask("GET", "/v1/models", bobs)[0] == 200


def test_a_user_who_is_disabled_loses_a_stream_that_a_login_carries(guarded: Guarded) -> None:
    guarded.user("carl")
    status, pair = guarded.login("carl")
    assert status == 200
    connection, response = guarded.stream(pair["access_token"])
    seen = events(response)
    next(seen)
    guarded.llmd("users", "disable", "carl")
    *_, last = seen
    assert last["error"]["code"] == "unauthorized"
    connection.close()
    assert guarded.ask("GET", "/v1/models", pair["access_token"])[0] == 401
    assert guarded.refresh(pair["refresh_token"])[0] == 401
    assert guarded.login("carl")[0] == 401


def test_forged_expired_and_reused_tokens(guarded: Guarded) -> None:
    _, pair = guarded.login("ann")
    token = pair["access_token"]
    assert guarded.ask("GET", "/v1/models", token)[0] == 200
    header, payload, signature = token.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=="))

    def encoded(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    later = encoded({**body, "exp": body["exp"] + 10**6})
    none = encoded({"alg": "none", "typ": "JWT"})
    forged = [f"{header}.{later}.{signature}", f"{none}.{payload}.", pair["refresh_token"]]
    for one in forged:
        assert guarded.ask("GET", "/v1/models", one)[0] == 401
    status, fresh = guarded.refresh(pair["refresh_token"])
    assert status == 200
    assert guarded.refresh(pair["refresh_token"])[0] == 401
    # the whole family is gone
    assert guarded.refresh(fresh["refresh_token"])[0] == 401
    assert guarded.ask("GET", "/v1/models", fresh["access_token"])[0] == 401
    assert guarded.ask("GET", "/v1/models", token)[0] == 401


def test_only_admins_administer(guarded: Guarded) -> None:
    _, pair = guarded.login("ann")
    status, _, _ = guarded.ask("GET", "/api/v1/admin/users", pair["access_token"])
    assert status == 403
    _, admin = guarded.login("root")
    status, body, _ = guarded.ask("GET", "/api/v1/admin/users", admin["access_token"])
    assert status == 200
    assert "ann" in json.dumps(body)
    assert guarded.ask("GET", "/metrics", admin["access_token"])[0] == 200
    audit = guarded.llmd("users", "audit", "-n", "1000")
    assert "refused" in audit
    assert "login" in audit


def test_those_who_guess_passwords_have_to_wait(guarded: Guarded) -> None:
    guarded.user("victim")
    statuses = [guarded.login("victim", f"guess {number}")[0] for number in range(7)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    for name in ("' OR 1=1 --", "../../victim", "\x00", "x" * 10_000):
        assert guarded.login(name)[0] in {400, 401, 429}


def test_no_secret_is_in_the_log_or_the_database(guarded: Guarded) -> None:
    secret = guarded.llmd("keys", "add", "--user", "ann")
    assert guarded.ask("GET", "/v1/models", secret)[0] == 200
    home = guarded.daemon.home
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert secret.encode() not in kept
    assert PASSWORD.encode() not in kept
    assert secret[:13].encode() in kept
    modes = {stat.S_IMODE(path.stat().st_mode) for path in home.rglob("tokens.secret")}
    assert modes == {0o600}


def test_accounts_and_logins_outlive_a_daemon_that_is_killed(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_SECURITY_MODE="users")
    found = Guarded(daemon)
    found.user("ann")
    secret = found.llmd("keys", "add", "--user", "ann")
    _, pair = found.login("ann")
    os.kill(daemon.pid, signal.SIGKILL)
    assert daemon.process
    daemon.process.communicate()
    daemon.start()
    assert found.ask("GET", "/v1/models", secret)[0] == 200
    assert found.ask("GET", "/v1/models", pair["access_token"])[0] == 200
    assert found.refresh(pair["refresh_token"])[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_open_daemon_does_not_listen_for_others(make_daemon: MakeDaemon, host: str) -> None:
    refused = Daemon(make_daemon().home.parent / "other", LLMD_HOST=host)
    process = refused.spawn()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "security.mode" in errors
    assert "Traceback" not in errors


def test_told_so_in_as_many_words_it_does(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(LLMD_HOST="0.0.0.0", LLMD_SECURITY_ALLOW_OPEN="true")
    assert daemon.call("GET", "/control/status")["address"].startswith("http://0.0.0.0:")
