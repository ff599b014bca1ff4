"""Where a listener can be reached from, and whether that is safe without any authentication."""

from __future__ import annotations

from llmd.config.networks import is_loopback
from llmd.config.settings import AuthMode, SecuritySettings, Settings
from llmd.errors import ConfigInvalid


def check_listeners(settings: Settings) -> None:
    """Raise ConfigInvalid when llmd would refuse to listen with these settings."""
    check_exposure(settings.server.host, "server.host", settings.security)
    if settings.grpc.enabled and not settings.grpc.tls_client_ca:
        check_exposure(settings.grpc.host, "grpc.host", settings.security)


def check_exposure(host: str, key: str, settings: SecuritySettings) -> None:
    """Raise ConfigInvalid when a listener (its setting is `key`) would let anybody on a network use
    llmd without a key, unless the settings say so in as many words.
    """
    if settings.mode is not AuthMode.OPEN or settings.allow_open or is_loopback(host):
        return
    raise ConfigInvalid(
        f"{key} is {host or 'every address'}: others could use llmd without any key.",
        hint="Ask for keys: `llmd config set security.mode keys` and `llmd keys add`. Or listen on "
        "127.0.0.1. If everybody there shall use it, `llmd config set security.allow_open true`.",
        param=key,
    )
