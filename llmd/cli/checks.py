"""The checks of `llmd doctor`: each looks at one thing and returns what it found and how to mend
it.
"""

import os
import shutil
import socket as sockets
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import psutil

from llmd.cli import render
from llmd.client.client import Client
from llmd.client.connection import listening
from llmd.client.sleep import asleep
from llmd.config.paths import Paths
from llmd.config.settings import Settings
from llmd.config.store import faults, load_settings
from llmd.config.values import concealed
from llmd.errors import LlmdError
from llmd.models.catalog import Catalogue
from llmd.models.leftovers import places, waiting
from llmd.models.records import Records

_OLDEST_PYTHON = (3, 11)
_LITTLE_DISK = 5 * 10**9
_SHOWN = 5
_LITTLE_MEMORY = 2 * 10**9
_ANSWER_TIME = 5.0
_LLAMA_TIME = 60.0
_LLAMA_PROBE = (
    "import llama_cpp as l; l.llama_backend_init(); print(l.__version__); "
    "print(int(l.llama_supports_gpu_offload())); print(l.llama_print_system_info().decode())"
)


class State(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"

    @property
    def colour(self) -> str | None:
        """Its colour on a terminal; None: the usual one."""
        return {State.OK: None, State.WARN: "yellow", State.FAIL: "red"}[self]


class Finding(msgspec.Struct, frozen=True):
    """What one check found."""

    subject: str
    state: State
    found: str
    mend: str = ""


def run_checks(paths: Paths) -> Iterator[Finding]:
    """Yield findings one by one; some checks take seconds."""
    yield check_python()
    settings, finding = check_config(paths)
    yield finding
    yield from check_catalog(paths)
    yield from check_records(paths)
    yield from check_directories(paths)
    yield check_database(paths, settings)
    yield check_socket(paths, sleeps=asleep(paths))
    daemon = check_daemon(paths)
    yield daemon
    yield check_port(settings, running=daemon.state is State.OK)
    llama, offload = check_llama()
    yield llama
    yield check_gpu(offload=offload)
    yield check_disk(paths)
    yield check_downloads(paths, settings)
    yield check_memory()


def check_python() -> Finding:
    """Check the interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("Python", State.FAIL, found, "llmd needs Python 3.11 or newer.")
    return Finding("Python", State.OK, f"{found} at {sys.executable}")


def check_config(paths: Paths) -> tuple[Settings, Finding]:
    """Check that the settings can be read; return the defaults when not."""
    try:
        settings = load_settings(paths.config_file).settings
    except LlmdError as error:
        found: list[LlmdError] = [*faults(paths.config_file)] or [error]
        said = " ".join(fault.message for fault in found)
        hints = dict.fromkeys(fault.hint for fault in found if fault.hint)
        return Settings(), Finding("settings", State.FAIL, said, " ".join(hints))
    where = str(paths.config_file) if paths.config_file.exists() else "defaults"
    return settings, Finding("settings", State.OK, where)


def check_records(paths: Paths) -> Iterator[Finding]:
    """Check that the records of all models can be read."""
    damaged = Records(paths.models_dir).damaged()
    for record in damaged:
        mend = f"Mend it, or move it away and import or pull the model again: {record.path}"
        yield Finding("models", State.WARN, f"a record is damaged: {record.reason}", mend)
    if not damaged:
        yield Finding("models", State.OK, f"records in {paths.models_dir}")


def check_catalog(paths: Paths) -> Iterator[Finding]:
    """Check the user's own short names of models, where there are any."""
    if not paths.catalog_file.exists():
        return
    catalogue = Catalogue(paths.catalog_file)
    for fault in catalogue.faults():
        where = f"line {fault.line}" if fault.line else "the file"
        entry = f" ({fault.entry})" if fault.entry else ""
        yield Finding(
            "catalogue",
            State.WARN,
            f"{where}{entry} is passed over: {fault.reason}",
            f"Mend it in {paths.catalog_file}.",
        )
    yield Finding("catalogue", State.OK, f"{len(catalogue.own())} in {paths.catalog_file}")


def check_database(paths: Paths, settings: Settings) -> Finding:
    """Check that llmd's own database is whole; one of `database.url` is the daemon's to reach."""
    if settings.database.url:
        return Finding("database", State.OK, f"{concealed(settings.database.url)}")
    file = paths.database_file
    if not file.exists():
        return Finding("database", State.OK, f"none yet at {file}")
    try:
        # not read-only: after a crash SQLite must be able to use its log
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=5)) as opened:
            found = str(opened.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        mend = "Put a copy back, or move it away; `sqlite3 FILE .recover` may save what it holds."
        return Finding("database", State.FAIL, f"{file} is damaged: {found}", mend)
    return Finding("database", State.OK, f"{render.size(file.stat().st_size)} in {file}")


def check_directories(paths: Paths) -> Iterator[Finding]:
    """Check that llmd can write where it must."""
    for name, path in (
        ("data", paths.data_dir),
        ("state", paths.state_dir),
        ("config", paths.config_dir),
    ):
        nearest = _existing(path)
        if os.access(nearest, os.W_OK | os.X_OK) and nearest.is_dir():
            yield Finding(f"{name} directory", State.OK, str(path))
        else:
            mend = f"`chmod u+rwx {nearest}`, or set LLMD_HOME to another place."
            yield Finding(f"{name} directory", State.FAIL, f"{path} cannot be written", mend)


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def check_socket(paths: Paths, *, sleeps: bool = False) -> Finding:
    """Check the Unix socket: nobody else may reach it."""
    path = paths.socket
    try:
        socket, directory = path.stat(), path.parent.stat()
    except FileNotFoundError:
        return Finding("socket", State.OK, f"{path} (made when the daemon starts)")
    except PermissionError:
        return Finding(
            "socket",
            State.FAIL,
            f"{path} cannot be reached",
            "Set LLMD_SOCKET to a path of your own.",
        )
    if not stat.S_ISSOCK(socket.st_mode):
        return Finding(
            "socket", State.FAIL, f"{path} is no socket", f"Move it away: `mv {path} {path}.old`."
        )
    if socket.st_uid != os.getuid():
        mend = "Set LLMD_SOCKET to a path of your own."
        return Finding("socket", State.FAIL, f"{path} belongs to another user", mend)
    if stat.S_IMODE(socket.st_mode) & 0o077:
        return Finding(
            "socket", State.FAIL, f"{path} is open to other users", f"`chmod 600 {path}`"
        )
    if paths.socket_dir_is_ours and stat.S_IMODE(directory.st_mode) & 0o077:
        mend = f"`chmod 700 {path.parent}`"
        return Finding("socket", State.FAIL, f"{path.parent} is open to other users", mend)
    if not sleeps and not listening(path):
        return Finding(
            "socket",
            State.WARN,
            f"{path} is left over from a daemon that died",
            "`llmd start` replaces it.",
        )
    return Finding("socket", State.OK, str(path))


def check_daemon(paths: Paths) -> Finding:
    """Check that the daemon answers."""
    if asleep(paths):
        return Finding("daemon", State.OK, "not running; systemd starts it with the first request")
    if not listening(paths.socket):
        return Finding(
            "daemon",
            State.WARN,
            "not running",
            "`llmd start` starts it; most commands do so by themselves.",
        )
    try:
        status = Client(paths.socket, _ANSWER_TIME).get("/control/status")
    except LlmdError as error:
        return Finding(
            "daemon",
            State.FAIL,
            error.message,
            "`llmd logs` may say why; `llmd restart` starts it anew.",
        )
    return Finding(
        "daemon", State.OK, f"{status['state']} at {status['address']}, process {status['pid']}"
    )


def check_port(settings: Settings, *, running: bool) -> Finding:
    """Check that the TCP port can be had, unless the daemon has it."""
    host, port = settings.server.host, settings.server.port
    if running or port == 0:
        return Finding(
            "port",
            State.OK,
            "picked when the daemon starts" if port == 0 else f"{port} as configured",
        )
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    with sockets.socket(family, sockets.SOCK_STREAM) as probe:
        probe.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            mend = "Stop the program that uses it, or `llmd config set server.port PORT`."
            return Finding(
                "port", State.FAIL, f"{host}:{port} cannot be had: {error.strerror}", mend
            )
    return Finding("port", State.OK, f"{host}:{port} is free")


def check_llama() -> tuple[Finding, bool]:
    """Check llama.cpp in a process of its own, since a broken build can crash; return whether it
    can use a GPU.
    """
    mend = f"Install it again: `{_reinstall()}`."
    command = [sys.executable, "-P", "-c", _LLAMA_PROBE]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=_LLAMA_TIME, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding("llama.cpp", State.FAIL, "does not load within a minute", mend), False
    if result.returncode < 0:
        return Finding(
            "llama.cpp", State.FAIL, f"crashes with signal {-result.returncode}", mend
        ), False
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        return Finding("llama.cpp", State.FAIL, f"cannot be loaded: {reason}", mend), False
    release, offload, *info = result.stdout.strip().splitlines()
    return Finding(
        "llama.cpp", State.OK, f"llama-cpp-python {release}; {' '.join(info)}"
    ), offload == "1"


def _reinstall() -> str:
    try:
        wanted = f"llama-cpp-python=={version('llama-cpp-python')}"
    except PackageNotFoundError:
        wanted = "llama-cpp-python"
    return f"pip install --force-reinstall --no-deps --no-binary :all: {wanted}"


def check_gpu(*, offload: bool) -> Finding:
    """Compare the GPU that is there with what llama.cpp was built for."""
    names = _nvidia_gpus()
    if offload:
        return Finding("GPU", State.OK, f"llama.cpp can use it{f': {names}' if names else ''}")
    if names:
        mend = f"Build llama.cpp for it: `CMAKE_ARGS=-DGGML_CUDA=on {_reinstall()}`."
        return Finding(
            "GPU", State.WARN, f"{names} is here, but llama.cpp was built without CUDA", mend
        )
    return Finding("GPU", State.OK, "none; models run on the CPU")


def _nvidia_gpus() -> str:
    tool = shutil.which("nvidia-smi")
    if not tool:
        return ""
    command = [tool, "--query-gpu=name", "--format=csv,noheader"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=_ANSWER_TIME, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ", ".join(result.stdout.strip().splitlines()) if result.returncode == 0 else ""


def check_disk(paths: Paths) -> Finding:
    """Check that a model still fits on disk."""
    free = shutil.disk_usage(_existing(paths.data_dir)).free
    if free < _LITTLE_DISK:
        return Finding(
            "disk", State.WARN, f"{render.size(free)} free", "`llmd rm MODEL` frees space."
        )
    return Finding("disk", State.OK, f"{render.size(free)} free")


def check_downloads(paths: Paths, settings: Settings) -> Finding:
    """List downloads that are not complete, and say what becomes of them."""
    found = waiting(places(paths.models_dir))
    if not found:
        return Finding("downloads", State.OK, "none is unfinished")
    keep = settings.downloads.keep_partials
    fate = f"they are deleted {keep} after they stopped" if keep.limited else "they are kept"
    listed = ", ".join(f"{render.size(one.size)} at {one.path}" for one in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return Finding(
        "downloads",
        State.OK,
        f"{len(found)} unfinished: {listed}{more}",
        f"Pull again to go on; {fate} (downloads.keep_partials).",
    )


def check_memory() -> Finding:
    """Check that a model still fits in memory."""
    memory = psutil.virtual_memory()
    found = f"{render.size(memory.available)} of {render.size(memory.total)} available"
    if memory.available < _LITTLE_MEMORY:
        return Finding("memory", State.WARN, found, "`llmd unload --all` frees what models take.")
    return Finding("memory", State.OK, found)
