"""What service managers read, made of the templates in the package's `assets/service`.

The files in `packaging` are the same templates with a distribution's paths; `python -m
llmd.cli.units packaging` writes them.
"""

import plistlib
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

LABEL = "llmd.daemon"
"""What launchd calls the agent."""
USER_UNITS = ("llmd.socket", "llmd.service")
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


class Particulars(NamedTuple):
    """What differs between installations; `control` and `config` are as units have them, where `%`
    begins a specifier.
    """

    program: tuple[str, ...]
    environment: Mapping[str, str]
    control: str
    addresses: tuple[str, ...]
    config: str
    stop: float
    """Seconds that a stop may take; infinite: no limit."""


USER = Particulars(
    program=("/usr/bin/llmd",),
    environment={},
    control="%t/llmd/llmd.sock",
    addresses=("127.0.0.1:8000",),
    config="%E/llmd",
    stop=90,
)
"""For each user of a distribution's package."""

SYSTEM = USER._replace(
    environment={
        "XDG_CONFIG_HOME": "/etc",
        "XDG_DATA_HOME": "/var/lib",
        "XDG_STATE_HOME": "/var/lib",
        "XDG_CACHE_HOME": "/var/cache",
        "HF_HOME": "/var/lib/llmd/huggingface",
        "LLMD_SOCKET": "/run/llmd/llmd.sock",
    },
    control="/run/llmd/llmd.sock",
)
"""For a whole machine: settings in /etc/llmd, the rest in /var/lib/llmd and /var/cache/llmd."""

AGENT = USER._replace(program=("/opt/homebrew/bin/llmd",))
"""For macOS, where Homebrew puts programs."""


def literal(text: str) -> str:
    """Return text that systemd takes as it stands."""
    return text.replace("%", "%%")


def quoted(word: str) -> str:
    """Return one word of a systemd setting that takes several (see systemd.syntax(7))."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def command(program: tuple[str, ...]) -> str:
    """Return a command as `ExecStart=` has it; `$` names variables, except in the first word."""
    first, *others = map(literal, program)
    return " ".join(quoted(word) for word in (first, *(word.replace("$", "$$") for word in others)))


def template(name: str) -> str:
    """Return a template of the package."""
    return (files("llmd") / "assets" / "service" / name).read_text(encoding="utf-8")


def unit(name: str, its: Particulars) -> str:
    """Return a systemd unit or another file that systemd reads."""
    lines = {
        "@PROGRAM@": command(its.program),
        "@ENVIRONMENT@": "\n".join(
            f"Environment={quoted(literal(f'{key}={value}'))}"
            for key, value in its.environment.items()
        ),
        "@CONTROL@": its.control,
        "@ADDRESSES@": "\n".join(f"ListenStream={address}" for address in its.addresses),
        "@CONFIG@": its.config,
        "@STOP@": "infinity" if its.stop == float("inf") else f"{its.stop:.0f}",
    }
    text = template(name)
    for mark, value in lines.items():
        # a mark that stands alone for nothing takes its line with it
        text = text.replace(mark, value) if value else text.replace(f"{mark}\n", "")
    return text


def agent(its: Particulars) -> str:
    """Return the property list of the launchd agent."""
    properties = plistlib.loads(template("llmd.plist").encode())
    properties["ProgramArguments"] = [*its.program, "serve"]
    properties["ExitTimeOut"] = 0 if its.stop == float("inf") else round(its.stop)
    if its.environment:
        properties["EnvironmentVariables"] = dict(its.environment)
    else:
        del properties["EnvironmentVariables"]
    return plistlib.dumps(properties).decode()


def system_units(its: Particulars) -> dict[str, str]:
    """Return the units of a whole machine by their names."""
    return {name: unit(name.replace("llmd", "llmd-system"), its) for name in USER_UNITS}


def packaged() -> dict[str, str]:
    """Return all files below `packaging` that are made of templates, by their paths."""
    return {
        **{f"systemd/user/{name}": unit(name, USER) for name in USER_UNITS},
        **{f"systemd/system/{name}": text for name, text in system_units(SYSTEM).items()},
        "systemd/sysusers.d/llmd.conf": template("llmd.sysusers"),
        f"launchd/{LABEL}.plist": agent(AGENT),
    }


def write(directory: Path) -> None:
    """Write them."""
    for name, text in packaged().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
