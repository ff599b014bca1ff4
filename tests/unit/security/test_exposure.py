from __future__ import annotations

import msgspec
import pytest

from llmd.config.grpc import GrpcSettings
from llmd.config.settings import AuthMode, SecuritySettings, Settings
from llmd.errors import ConfigInvalid
from llmd.security.exposure import check_exposure, check_listeners

OPEN_TO_OTHERS = [
    "0.0.0.0",
    "::",
    "",
    "192.168.1.5",
    "fe80::1",
    "myhost.lan",
    "localhost.example.com",
]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_an_open_daemon_may_listen_to_this_machine(host: str) -> None:
    check_exposure(host, "server.host", SecuritySettings())


@pytest.mark.parametrize("host", OPEN_TO_OTHERS)
def test_an_open_daemon_refuses_other_addresses(host: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        check_exposure(host, "grpc.host", SecuritySettings())
    assert refused.value.param == "grpc.host"
    assert "security.allow_open" in str(refused.value)


@pytest.mark.parametrize("host", OPEN_TO_OTHERS)
def test_keys_or_plain_words_make_it_start(host: str) -> None:
    for mode in (AuthMode.KEYS, AuthMode.USERS):
        check_exposure(host, "server.host", SecuritySettings(mode=mode))
    check_exposure(host, "server.host", SecuritySettings(allow_open=True))


def test_both_listeners_are_looked_at() -> None:
    everywhere = GrpcSettings(enabled=True, host="0.0.0.0")
    check_listeners(Settings())
    with pytest.raises(ConfigInvalid, match=r"grpc\.host"):
        check_listeners(Settings(grpc=everywhere))
    check_listeners(Settings(grpc=GrpcSettings(host="0.0.0.0")))
    certified = msgspec.structs.replace(everywhere, tls_client_ca="ca.pem")
    check_listeners(Settings(grpc=certified))
