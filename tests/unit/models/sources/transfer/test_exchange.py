"""One GET at a time."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from llmd.errors import DownloadFailed
from llmd.models.sources.transfer.exchange import Exchange
from llmd.models.sources.transfer.faults import Cut, Refused
from tests.fakes.fileserver import FileServer, serving
from tests.unit.models.sources.transfer.conftest import PATH

SECRET = {"Authorization": "Bearer secret"}


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange = Exchange(0.4)
    yield exchange
    exchange.close()


def test_a_connection_is_kept_for_the_next_request(exchange: Exchange, site: FileServer) -> None:
    bodies = [exchange.get(f"{site.url}{PATH}", {}).body(10**7) for _ in range(2)]
    assert bodies == [site.files[PATH]] * 2


def test_one_that_the_server_closed_is_opened_again(exchange: Exchange, site: FileServer) -> None:
    exchange.get(f"{site.url}{PATH}", {}).body(10**7)
    exchange.abort()
    assert exchange.get(f"{site.url}{PATH}", {}).body(10**7) == site.files[PATH]


def test_an_answer_that_was_not_read_does_not_spoil_the_next(
    exchange: Exchange, site: FileServer
) -> None:
    exchange.get(f"{site.url}{PATH}", {})
    assert exchange.get(f"{site.url}{PATH}", {}).body(10**7) == site.files[PATH]


def test_no_compression_is_asked_for(exchange: Exchange, site: FileServer) -> None:
    exchange.get(f"{site.url}{PATH}", {"Accept-Encoding": "gzip"}).close()
    assert site.asked[0].headers["accept-encoding"] == "identity"


def test_compression_is_refused(exchange: Exchange, site: FileServer) -> None:
    site.faults.encoding = "gzip"
    with pytest.raises(DownloadFailed, match="compressed"):
        exchange.get(f"{site.url}{PATH}", {})


def test_redirects_are_followed(exchange: Exchange, site: FileServer) -> None:
    site.faults.redirect = {"/a": "/b%20c?x=1#y", "/b%20c": PATH}
    answer = exchange.get(f"{site.url}/a", SECRET)
    assert answer.url == f"{site.url}{PATH}"
    assert [asked.headers.get("authorization") for asked in site.asked] == ["Bearer secret"] * 3


def test_secrets_stay_with_the_first_host(exchange: Exchange, site: FileServer) -> None:
    with serving(FileServer(files=site.files)) as other:
        site.faults.redirect = {"/a": f"{other.url}/b"}
        other.faults.redirect = {"/b": f"{site.url}{PATH}"}
        exchange.get(f"{site.url}/a", SECRET, {"Range": "bytes=0-3"})
        asked = [*other.asked, site.asked[1]]
    assert site.asked[0].headers["authorization"] == "Bearer secret"
    assert ["authorization" in one.headers for one in asked] == [False, False]
    assert [one.headers["range"] for one in asked] == ["bytes=0-3"] * 2


@pytest.mark.parametrize(
    "circle", [{"/a": "/a"}, {"/a": "/b", "/b": "/a"}, {f"/{n}": f"/{n + 1}" for n in range(99)}]
)
def test_circles_of_redirects_are_left(
    exchange: Exchange, site: FileServer, circle: dict[str, str]
) -> None:
    site.faults.redirect = circle
    with pytest.raises(DownloadFailed, match="circle"):
        exchange.get(f"{site.url}{next(iter(circle))}", {})
    assert len(site.asked) < 20


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/m", "http://[", "gopher:x"])
def test_redirects_lead_to_web_addresses_only(
    exchange: Exchange, site: FileServer, target: str
) -> None:
    site.faults.redirect = {"/a": target}
    with pytest.raises((DownloadFailed, Cut)):
        exchange.get(f"{site.url}/a", {})


def test_error_statuses_are_told_with_what_the_server_said(
    exchange: Exchange, site: FileServer
) -> None:
    site.faults.refuse, site.faults.retry_after = [429], "9"
    with pytest.raises(Refused) as refusal:
        exchange.get(f"{site.url}{PATH}", {})
    assert (refusal.value.status, refusal.value.body) == (429, b"refused")
    assert refusal.value.headers["retry-after"] == "9"


def test_an_answer_that_ends_early_is_cut(exchange: Exchange, site: FileServer) -> None:
    site.faults.cut_after = [100_000]
    with pytest.raises(Cut, match="early"):
        exchange.get(f"{site.url}{PATH}", {}).body(10**7)


def test_chunks_that_end_early_are_cut(exchange: Exchange, site: FileServer) -> None:
    site.faults.chunked, site.faults.cut_after = True, [100_000]
    with pytest.raises(Cut):
        exchange.get(f"{site.url}{PATH}", {}).body(10**7)


def test_silence_is_not_waited_for(exchange: Exchange, site: FileServer) -> None:
    site.faults.stall_after = [100_000]
    with pytest.raises(Cut, match="nothing came"):
        exchange.get(f"{site.url}{PATH}", {}).body(10**7)


def test_nobody_there_is_a_cut(exchange: Exchange) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Cut, match="refused"):
        exchange.get(f"http://127.0.0.1:{port}/m", {})


def test_what_is_no_web_server_is_a_cut(exchange: Exchange) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            connection.recv(4096)
            connection.sendall(b"220 mail ready\r\n")
            connection.close()

        greeter = threading.Thread(target=greet, daemon=True)
        greeter.start()
        with pytest.raises(Cut):
            exchange.get(f"http://127.0.0.1:{server.getsockname()[1]}/m", {})
        greeter.join()


def test_a_certificate_that_is_not_trusted_is_explained(
    exchange: Exchange, site: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untrusted(*_: object) -> None:
        error = ssl.SSLCertVerificationError(1, "no")
        error.verify_message = "self-signed certificate"
        raise error

    monkeypatch.setattr("http.client.HTTPConnection.connect", untrusted)
    with pytest.raises(DownloadFailed, match="self-signed") as failure:
        exchange.get(f"{site.url}{PATH}", {})
    assert "SSL_CERT_FILE" in failure.value.hint


def test_an_http_proxy_is_asked_in_place_of_the_host(
    exchange: Exchange, site: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", site.url.replace("//", "//me:p%40ss@"))
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    site.files["http://models.example" + PATH] = b"GGUF by proxy"
    assert exchange.get(f"http://models.example{PATH}", {}).body(99) == b"GGUF by proxy"
    assert site.asked[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
    assert site.asked[0].headers["host"] == "models.example"


def test_https_goes_through_a_tunnel(
    exchange: Exchange, site: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", site.url)
    with pytest.raises(Cut, match=r"Tunnel connection failed|501"):
        exchange.get("https://models.example/m", {})


def test_another_kind_of_proxy_is_refused(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(DownloadFailed, match="socks5"):
        exchange.get("http://models.example/m", {})


def test_encryption_is_not_given_up_for_a_redirect(
    exchange: Exchange, site: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmd.models.sources.transfer.exchange import _followed

    assert _followed("https://a/b", "/c") == "https://a/c"
    with pytest.raises(DownloadFailed, match="without encryption"):
        _followed("https://a/b", "http://a/b")
