"""The daemon's life: `llmd serve start stop restart status`."""

import contextlib
import gc
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.errors import DaemonUnreachable, LlmdError

_POLL = 0.05
_QUIET = 1.0
_BEYOND_DRAIN = 15.0
_ANSWER_TIME = 10.0

Host = Annotated[
    str | None, typer.Option("--host", help="Address to listen on; default: server.host.")
]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port; default: server.port.")
]
Now = Annotated[bool, typer.Option("--now", help="Do not let running answers finish.")]


def serve(host: Host = None, port: Port = None) -> None:
    """Run the daemon in the foreground."""
    # what is imported stays: looking for garbage in it would take a sixth of the start
    gc.disable()
    from llmd.daemon import main

    gc.enable()
    raise typer.Exit(main(host, port))


def start(host: Host = None, port: Port = None) -> None:
    """Start the daemon in the background."""
    from llmd.client.autostart import ensure
    from llmd.client.client import Client
    from llmd.client.sleep import asleep
    from llmd.config.paths import find_paths

    arguments = [
        *(("--host", host) if host else ()),
        *(("--port", str(port)) if port is not None else ()),
    ]
    paths = find_paths()
    slept = asleep(paths)  # then asking for its state is what starts it
    started = ensure(paths, arguments) or slept
    status = Client(paths.socket, _ANSWER_TIME).get("/control/status")
    how = "is" if started else "was already"
    typer.echo(f"llmd {how} running at {status['address']}, process {status['pid']}")


def stop(now: Now = False) -> None:
    """Stop the daemon; running answers may finish first."""
    try:
        pid = halt(now=now)
    except DaemonUnreachable:
        typer.echo("llmd is not running")
        return
    typer.echo(f"llmd has stopped, process {pid}")


def restart(now: Now = False) -> None:
    """Stop the daemon and start it again, as after a change of settings."""
    with contextlib.suppress(DaemonUnreachable):
        halt(now=now)
    start()


def halt(*, now: bool) -> int:
    """Ask the daemon to stop, wait until its process is gone and return its number."""
    from llmd.cli import render
    from llmd.cli.connect import client

    daemon = client(start=False, timeout=_ANSWER_TIME)
    status = daemon.get("/control/status")
    pid = int(status["pid"])
    daemon.post("/control/stop", {"mode": "now" if now else "drain"})
    for waited in _until_gone(pid, _patience()):
        if waited > _QUIET and status.get("requests"):
            render.note("waiting for running answers; `llmd stop --now` cuts them off")
            status = {}
    return pid


def _patience() -> float:
    """Return how long a stop may take: what the settings allow running answers, and some more."""
    from llmd.config.paths import find_paths
    from llmd.config.store import load_settings

    with contextlib.suppress(LlmdError):
        limit = load_settings(find_paths().config_file).settings.server.drain_timeout
        return float(limit) + _BEYOND_DRAIN if limit.limited else float("inf")
    return _BEYOND_DRAIN


def _until_gone(pid: int, patience: float) -> Iterator[float]:
    """Yield the seconds waited until the process has ended; raise LlmdError when it does not."""
    begun = time.monotonic()
    while _alive(pid):
        waited = time.monotonic() - begun
        if waited > patience:
            raise LlmdError(
                f"The daemon, process {pid}, does not end.",
                hint=f"`kill -9 {pid}` ends it by force.",
            )
        yield waited
        time.sleep(_POLL)


def _alive(pid: int) -> bool:
    import psutil

    try:
        # in a container nobody may reap it: a zombie has ended all the same
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def status(as_json: options.AsJson = False) -> None:
    """Show how the daemon is; exit code 3 when it is not running."""
    from llmd.cli import render
    from llmd.cli.connect import client

    try:
        report = client(start=False, timeout=_ANSWER_TIME).get("/control/status")
    except DaemonUnreachable:
        if as_json:
            render.print_json({"state": "stopped"})
        raise
    if as_json:
        render.print_json(report)
    else:
        _print_status(report)


def _print_status(report: dict[str, Any]) -> None:
    from llmd.cli import render
    from llmd.cli.loaded import print_loaded
    from llmd.client import address

    render.fields(
        [
            (
                "state",
                f"{report['state']}, process {report['pid']}, for {_since(report['started_at'])}",
            ),
            ("version", f"llmd {report['version']}, llama-cpp-python {report['llama_cpp']}"),
            ("address", f"{report['address']}/v1"),
            ("in a browser", f"{address.local(report['address'])}/ (`llmd open`)"),
            *([("gRPC", report["grpc"])] if report.get("grpc") else []),
            ("socket", report["socket"]),
            ("log", report["log_file"]),
            ("memory", f"{render.size(report['resident'])} for the daemon itself"),
            ("models", f"{report['models']} on disk, {len(report['loaded'])} loaded"),
            ("requests", str(report["requests"])),
        ]
    )
    if report["loaded"]:
        typer.echo()
        print_loaded(report["loaded"])


def _since(moment: float) -> str:
    from llmd.cli import render

    return render.duration(time.time() - moment)
