"""How a browser gets to the pages that a daemon serves.

A browser is started only where somebody can see it. Over SSH, or without a display, the way there
is a tunnel: `way_there` tells the command for the machine at which the person sits.
"""

from __future__ import annotations

import getpass
import os
import socket
import sys
import webbrowser
from collections.abc import Mapping
from urllib.parse import urlsplit

ADMIN = "/admin"
_SSH_PORT = "22"
_HOPS = 4
"""Words in SSH_CONNECTION: address and port of the client, then of the server."""


def has_screen(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a browser that is started here would be seen."""
    if environ.get("BROWSER"):
        return True  # such as an editor's, which opens it where the person sits
    if environ.get("SSH_CONNECTION"):
        return False
    wayland = environ.get("WAYLAND_DISPLAY")
    return platform == "darwin" or bool(environ.get("DISPLAY") or wayland)


def way_there(url: str, environ: Mapping[str, str]) -> str:
    """Return the command that brings a page to the machine at which the person sits."""
    found = urlsplit(url)
    hop = environ.get("SSH_CONNECTION", "").split()
    host, port = (hop[2], hop[3]) if len(hop) == _HOPS else (socket.gethostname(), _SSH_PORT)
    end = f"[{found.hostname}]" if ":" in (found.hostname or "") else found.hostname
    by = "" if port == _SSH_PORT else f"-p {port} "
    return f"ssh -N -L {found.port}:{end}:{found.port} {by}{_user()}@{host}"


def by_tunnel(url: str) -> str:
    """Return the address of a page at the other end of the tunnel."""
    found = urlsplit(url)
    return f"http://localhost:{found.port}{found.path}"


def show(url: str) -> bool:
    """Start a browser, or tell one that runs; False: there is none."""
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # in a container that knows no names
