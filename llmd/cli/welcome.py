"""`llmd` alone: how things stand here, and what to do next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import typer

_ANSWER_TIME = 3.0
_BUILT_IN = "llmd-tiny"
_WIDTH = 34
_DEVICES = Path("/dev")


class Standing(NamedTuple):
    """What is known of the daemon and its models."""

    status: dict[str, Any] | None
    """None: it does not run."""
    models: list[dict[str, Any]]
    default: str
    asleep: bool = False
    """Whether systemd starts it with the first request."""
    trouble: str = ""
    """Why it cannot be asked, where that is more than not running."""
    idle_gpu: bool = False
    """Whether a GPU is here that llama.cpp was not built for."""


def welcome() -> None:
    """Say how things stand and what to do next; nothing is started."""
    for line in lines(_look()._replace(idle_gpu=gpu_is_idle(_DEVICES, _libraries()))):
        typer.echo(line)


def lines(standing: Standing) -> Iterator[str]:
    """Yield what is said."""
    yield from _state(standing)
    yield ""
    yield "Next:"
    for command, about in _steps(standing):
        yield f"  {command.ljust(_WIDTH)}  {about}"
    yield ""
    yield "`llmd --help` lists all commands, `llmd COMMAND --help` shows how one is used."


def _state(standing: Standing) -> Iterator[str]:
    from llmd.cli import render

    if standing.trouble:
        yield f"The daemon cannot be asked: {standing.trouble}"
        return
    if standing.status is None:
        starts = "systemd starts it" if standing.asleep else "the next command starts it"
        yield f"The daemon is not running; {starts}."
        return
    loaded = standing.status["loaded"]
    yield f"The daemon is {standing.status['state']} at {standing.status['address']}/v1."
    several = "" if len(standing.models) == 1 else "s"
    yield f"{len(standing.models)} model{several} on disk; {standing.default} answers by default."
    for model in loaded:
        taken = model["memory"]["resident"]
        yield f"{model['name']} is {model['state']} on {model['device']}, {render.size(taken)}."


def _steps(standing: Standing) -> Iterator[tuple[str, str]]:
    if standing.trouble:
        yield "llmd doctor", "find out what is wrong"
        yield "llmd logs", "see what the daemon said"
        return
    if standing.idle_gpu:
        yield "llmd doctor", "build llama.cpp for the GPU that is here"
    real = [model for model in standing.models if model["name"] != _BUILT_IN]
    if standing.status is None:
        yield "llmd run 'Who are you?'", "ask the model that is there"
        yield "llmd start", "start the daemon now"
        yield "llmd service install", "have it there after every login"
        yield "llmd search", "find a model worth pulling"
        return
    if not real:
        yield "llmd search", "find a model that fits this machine"
        yield "llmd pull qwen3-4b", f"{_BUILT_IN} only shows that it works: fetch a real one"
        yield "llmd import --scan", "use what Ollama or LM Studio already have"
    yield "llmd chat", f"talk with {standing.default}"
    yield "llmd open", "the same in a browser"
    yield "llmd run -f FILE 'Summarise it.'", "ask about a file"
    if standing.status["loaded"]:
        yield "llmd top", "watch what it does"
    yield 'eval "$(llmd env)"', "point OpenAI clients at it"


def gpu_is_idle(devices: Path, libraries: Path | None) -> bool:
    """Whether NVIDIA's driver is here, but no CUDA in llama.cpp's libraries; loading those to ask
    them would take seconds.
    """
    if not (libraries and libraries.is_dir() and (devices / "nvidiactl").exists()):
        return False
    return not any(libraries.glob("*ggml-cuda*"))


def _libraries() -> Path | None:
    """Return where the libraries of llama.cpp are, without importing them."""
    from importlib.util import find_spec

    found = find_spec("llama_cpp")
    return Path(found.origin).with_name("lib") if found and found.origin else None


def _look() -> Standing:
    from llmd.cli.connect import client
    from llmd.client.sleep import asleep
    from llmd.config.paths import find_paths
    from llmd.errors import DaemonUnreachable, LlmdError

    try:
        daemon = client(start=False, timeout=_ANSWER_TIME)
        status = daemon.get("/control/status")
        listed = daemon.get("/control/models")
    except DaemonUnreachable as error:
        paths = find_paths()
        broken = paths.socket.exists() and not asleep(paths) and _in_the_way(str(error))
        return Standing(None, [], "", asleep=asleep(paths), trouble=str(error) if broken else "")
    except LlmdError as error:
        return Standing(None, [], "", trouble=str(error))
    return Standing(status, listed["models"], listed["default"])


def _in_the_way(reason: str) -> bool:
    """Whether more is wrong than that nobody listens."""
    return not reason.startswith("The daemon is not running")
