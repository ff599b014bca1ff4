"""This installation, as a service of it has to know it: which llmd, which directories, which
addresses.
"""

import ipaddress
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from llmd.cli.units import SYSTEM, Particulars, literal
from llmd.config.paths import Paths
from llmd.config.settings import Settings
from llmd.errors import ConfigInvalid

_PLACES = (
    "LLMD_HOME",
    "LLMD_SOCKET",
    "HF_HOME",
    "HF_HUB_CACHE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
)
_CARRIED = (*_PLACES, "LLMD_HOST", "LLMD_PORT", "HF_ENDPOINT")
_ONLY_FOR_COMMANDS = {"LLMD_NO_AUTOSTART"}
_BEYOND_DRAIN = 60.0
"""Seconds in which workers save what they have read."""


def program(argv0: str | None = None) -> tuple[str, ...]:
    """Return the command that runs this llmd, whatever PATH and the current directory are."""
    called = Path(sys.argv[0] if argv0 is None else argv0)
    # not resolved: package tools keep the link and change where it points
    for script in (called.absolute(), Path(sys.executable).with_name("llmd")):
        if script.name == "llmd" and script.is_file() and os.access(script, os.X_OK):
            return (str(script),)
    return (sys.executable, "-P", "-m", "llmd")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a service needs to find what this command finds."""
    return {
        name: str(Path(value).expanduser().absolute()) if name in _PLACES else value
        for name in _CARRIED
        if (value := environ.get(name))
    }


def left_behind(environ: Mapping[str, str]) -> list[str]:
    """Return the names of variables that hold here and that a service does not get: settings belong
    into the file, and secrets not into units.
    """
    known = {*_CARRIED, *_ONLY_FOR_COMMANDS}
    return sorted(
        name
        for name in environ
        if (name.startswith("LLMD_") and name not in known) or name == "HF_TOKEN"
    )


def addresses(host: str, port: int) -> tuple[str, ...]:
    """Return what systemd listens on for the daemon; nothing when the port is any that is free.

    Raises ConfigInvalid when the host has no address.
    """
    if not port:
        return ()
    if not host:
        return (f"0.0.0.0:{port}", f"[::]:{port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigInvalid(
            f"The host {host} has no address: {error.strerror or error}.",
            hint="Choose another with `llmd config set server.host HOST`.",
            param="server.host",
        ) from error
    hosts = dict.fromkeys(str(entry[4][0]) for entry in found)
    return tuple(f"[{one}]:{port}" if _is_v6(one) else f"{one}:{port}" for one in hosts)


def particulars(paths: Paths, settings: Settings, environ: Mapping[str, str]) -> Particulars:
    """Return what a service of this user's llmd is made of."""
    return Particulars(
        program=program(),
        environment=environment(environ),
        control=literal(str(paths.socket)),
        addresses=addresses(settings.server.host, settings.server.port),
        config=literal(str(paths.config_dir)),
        stop=_stop(settings),
    )


def machine_wide(settings: Settings) -> Particulars:
    """Return what a service of the whole machine is made of, run by this llmd."""
    return SYSTEM._replace(
        program=program(),
        addresses=addresses(settings.server.host, settings.server.port),
        stop=_stop(settings),
    )


def _stop(settings: Settings) -> float:
    limit = settings.server.drain_timeout
    return float(limit) + _BEYOND_DRAIN if limit.limited else float("inf")


def _is_v6(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).version == 6  # noqa: PLR2004  IPv6
