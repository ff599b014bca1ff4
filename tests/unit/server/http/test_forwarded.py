from __future__ import annotations

import pytest

from llmd.config.networks import Networks
from llmd.server.http.forwarded import secure, sender

PROXIES = Networks("10.0.0.0/8, ::1")


@pytest.mark.parametrize(
    ("remote", "headers", "found"),
    [
        # strangers are who they are, whatever they say
        ("8.8.8.8", {"X-Forwarded-For": "1.1.1.1"}, "8.8.8.8"),
        ("8.8.8.8", {"X-Real-IP": "1.1.1.1"}, "8.8.8.8"),
        # a proxy tells
        ("10.0.0.1", {"X-Forwarded-For": "1.1.1.1"}, "1.1.1.1"),
        ("::1", {"X-Real-IP": "1.1.1.1"}, "1.1.1.1"),
        ("10.0.0.1", {"X-Forwarded-For": "1.1.1.1, 10.0.0.2"}, "1.1.1.1"),
        ("10.0.0.1", {"X-Forwarded-For": "[2001:db8::1]:4711"}, "2001:db8::1"),
        ("10.0.0.1", {"X-Forwarded-For": "1.1.1.1:4711"}, "1.1.1.1"),
        # what clients wrote before the proxy added theirs does not count
        ("10.0.0.1", {"X-Forwarded-For": "6.6.6.6, 1.1.1.1"}, "1.1.1.1"),
        ("10.0.0.1", {"X-Forwarded-For": "6.6.6.6, nonsense"}, "10.0.0.1"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {"X-Real-IP": "'; DROP TABLE"}, "10.0.0.1"),
        ("10.0.0.1", {"X-Forwarded-For": "10.0.0.9"}, "10.0.0.9"),
    ],
)
def test_only_proxies_say_where_requests_come_from(
    remote: str, headers: dict[str, str], found: str
) -> None:
    assert sender(remote, headers, PROXIES) == found


def test_without_proxies_headers_mean_nothing() -> None:
    assert sender("127.0.0.1", {"X-Forwarded-For": "1.1.1.1"}, Networks("")) == "127.0.0.1"


@pytest.mark.parametrize(
    ("scheme", "remote", "told", "is_secure"),
    [
        ("https", "8.8.8.8", None, True),
        ("http", "8.8.8.8", None, False),
        # strangers say what they like
        ("http", "8.8.8.8", "https", False),
        ("https", "8.8.8.8", "http", True),
        ("http", "10.0.0.1", "https", True),
        ("http", "10.0.0.1", "HTTPS , http", True),
        ("http", "10.0.0.1", "http", False),
        ("http", "10.0.0.1", "", False),
        ("http", "::1", "https", True),
        ("http", "unknown", "https", False),
    ],
)
def test_a_proxy_that_is_trusted_says_whether_the_client_speaks_https(
    scheme: str, remote: str, told: str | None, is_secure: bool
) -> None:
    headers = {} if told is None else {"X-Forwarded-Proto": told}
    assert secure(scheme, remote, headers, PROXIES) is is_secure
