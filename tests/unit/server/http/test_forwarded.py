from __future__ import annotations

import pytest

from llmd.config.networks import Networks
from llmd.server.http.forwarded import sender

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
