"""Where llmd keeps things: platformdirs' directories, or everything below `LLMD_HOME` when that is
set.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

# sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included
_SOCKET_PATH_LIMIT = 103


class Paths(NamedTuple):
    """Directories and files of one llmd installation; nothing is created by asking."""

    config_dir: Path
    data_dir: Path
    state_dir: Path
    cache_dir: Path
    socket: Path

    @property
    def socket_dir_is_ours(self) -> bool:
        """Whether the socket's directory is there for llmd alone; others, such as /tmp, are not
        llmd's to close.
        """
        directory = self.socket.parent
        return directory.is_relative_to(self.state_dir) or directory.name.startswith("llmd")

    @property
    def config_file(self) -> Path:
        """The settings, TOML."""
        return self.config_dir / "config.toml"

    @property
    def catalog_file(self) -> Path:
        """The user's own short names of models, TOML; may be absent."""
        return self.config_dir / "catalog.toml"

    @property
    def models_dir(self) -> Path:
        """Manifests of the registered models, one JSON file each."""
        return self.data_dir / "models"

    @property
    def database_file(self) -> Path:
        """Accounts, sessions and deployments, where `database.url` names no other place."""
        return self.data_dir / "llmd.db"

    @property
    def experience_file(self) -> Path:
        """What loaded models really took, by which later plans are corrected."""
        return self.state_dir / "experience.json"

    @property
    def downloads_file(self) -> Path:
        """Downloads that pages began and that did not come to their end."""
        return self.state_dir / "downloads.json"

    @property
    def prefixes_dir(self) -> Path:
        """Warm prefixes of all models."""
        return self.cache_dir / "prefixes"

    @property
    def secret_file(self) -> Path:
        """What signs access tokens; made when the first one is needed."""
        return self.state_dir / "tokens.secret"

    @property
    def lock_file(self) -> Path:
        """Held by the running daemon; carries its process id."""
        return self.state_dir / "daemon.lock"

    @property
    def log_file(self) -> Path:
        """The daemon's log."""
        return self.state_dir / "logs" / "daemon.log"

    @property
    def choices_file(self) -> Path:
        """What was chosen in `llmd tui`, such as its theme."""
        return self.state_dir / "tui.json"

    @property
    def history_file(self) -> Path:
        """Lines typed in `llmd chat`."""
        return self.state_dir / "chat_history"


def _socket(environ: Mapping[str, str], state_dir: Path) -> Path:
    if named := environ.get("LLMD_SOCKET"):
        return Path(named).expanduser()
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime and not environ.get("LLMD_HOME"):
        return Path(runtime) / "llmd" / "llmd.sock"
    path = state_dir / "run" / "llmd.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
        return path
    # a deep LLMD_HOME: the kernel would refuse the name, so a short private directory takes its
    # place
    digest = zlib.crc32(os.fsencode(path))
    return Path("/tmp") / f"llmd-{os.getuid()}-{digest:x}" / "llmd.sock"  # noqa: S108  made 0700 by the daemon


def find_paths(environ: Mapping[str, str] | None = None) -> Paths:
    """Return the paths that the environment asks for."""
    env = os.environ if environ is None else environ
    if home := env.get("LLMD_HOME"):
        root = Path(home).expanduser().absolute()
        config, data, state, cache = root / "config", root / "data", root / "state", root / "cache"
    else:
        import platformdirs  # noqa: PLC0415  shell completions wait for this module

        dirs = platformdirs.PlatformDirs("llmd", appauthor=False)
        config, data = Path(dirs.user_config_dir), Path(dirs.user_data_dir)
        state, cache = Path(dirs.user_state_dir), Path(dirs.user_cache_dir)
    return Paths(config, data, state, cache, _socket(env, state))
