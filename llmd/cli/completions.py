"""Writes what shells complete by: `python -m llmd.cli.completions DIRECTORY`.

That is the table of all commands, which lies in llmd.cli.completing and is read in place of them,
and copies of the shells' scripts into the directory.
"""

import inspect
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from llmd.cli import completing
from llmd.cli.completing.kinds import Kind

SCRIPTS = {"bash": "llmd.bash", "zsh": "_llmd", "fish": "llmd.fish"}
HOME = Path(completing.__file__).parent
TABLE = HOME / "table.json"

_HELP = {"names": ["--help"], "help": "Show this message and exit"}
_EVERYWHERE = (
    {"names": ["--quiet"], "help": "Say nothing but results and errors"},
    {"names": ["--verbose"], "help": "Also tell of each call to the daemon"},
)
_LONGEST = 70


def script(shell: str) -> str:
    """Return the completion script for a shell."""
    return (HOME / SCRIPTS[shell]).read_text(encoding="utf-8")


def table() -> str:
    """Return the table of commands, names of the catalogue, settings and types, JSON."""
    from llmd.cli.commands import application

    found = {
        "root": _group(application()),
        "catalogue": dict(_catalogue()),
        "settings": dict(_settings()),
        "types": _types(),
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def write(directory: Path) -> None:
    """Write the table, and the scripts of all shells under the names their shells look for."""
    TABLE.write_text(table(), encoding="utf-8")
    directory.mkdir(parents=True, exist_ok=True)
    for shell, name in SCRIPTS.items():
        (directory / name).write_text(script(shell), encoding="utf-8")


def _group(app: Any, about: str = "") -> dict[str, Any]:
    """Return a Typer application as a node; see grammar.py."""
    commands: dict[str, Any] = {}
    for info in app.registered_commands:
        if not info.hidden:
            name = info.name or info.callback.__name__.rstrip("_").replace("_", "-")
            commands[name] = _command(info.callback, _first(info.help or info.callback.__doc__))
    for info in app.registered_groups:
        commands[info.name] = _group(info.typer_instance, _first(info.typer_instance.info.help))
    callback = app.registered_callback
    options = list(_options(callback.callback)) if callback else []
    return {"help": about, "options": [*options, _HELP], "arguments": [], "commands": commands}


def _command(callback: Any, about: str) -> dict[str, Any]:
    options = [*_options(callback), *_EVERYWHERE, _HELP]
    return {"help": about, "options": options, "arguments": list(_arguments(callback))}


def _options(callback: Any) -> Iterator[dict[str, Any]]:
    for name, base, info in _parameters(callback):
        if _is_argument(info) or info.hidden:
            continue
        # inside Annotated the first name stands where Typer has the default
        first = [info.default] if isinstance(info.default, str) else []
        names = [part for text in (*first, *(info.param_decls or ())) for part in text.split("/")]
        names = names or [f"--{name.replace('_', '-')}"]
        option = {"names": names, "help": _first(info.help), **_values(base, info)}
        if base is not bool:
            option["takes"] = True
        yield option


def _arguments(callback: Any) -> Iterator[dict[str, Any]]:
    for _, base, info in _parameters(callback):
        if _is_argument(info):
            yield _values(base, info)


def _parameters(callback: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, type and Typer's information of each parameter."""
    import typer

    hints = get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        base, *extras = get_args(hints[name]) if hasattr(hints[name], "__metadata__") else ("",)
        if not extras:
            # a bare parameter is an argument where it has no default
            yield name, hints[name], _bare(parameter, typer)
        else:
            yield name, base, extras[0]


def _bare(parameter: inspect.Parameter, typer: Any) -> Any:
    return typer.Argument() if parameter.default is parameter.empty else typer.Option()


def _is_argument(info: Any) -> bool:
    return type(info).__name__ == "ArgumentInfo"


def _values(base: Any, info: Any) -> dict[str, Any]:
    """Say what an option or argument takes."""
    parts = [part for part in get_args(base) if part is not NoneType] or [base]
    many = (
        getattr(parts[0], "__origin__", None) is list or getattr(base, "__origin__", None) is list
    )
    inner = get_args(parts[0])[0] if get_args(parts[0]) else parts[0]
    found: dict[str, Any] = {"many": True} if many else {}
    kind = getattr(info.autocompletion, "__self__", None)
    if isinstance(kind, Kind):
        found["kind"] = kind.value
    elif isinstance(inner, type) and issubclass(inner, StrEnum):
        found["choices"] = [choice.value for choice in inner]
    elif isinstance(inner, type) and issubclass(inner, Path):
        found["kind"] = Kind.FILES.value
    return found


def _catalogue() -> Iterator[tuple[str, dict[str, Any]]]:
    from llmd.models.catalog import builtin, variant_names

    for alias, entry in builtin().items():
        labels = [label for name, label, _ in variant_names(entry) if ":" in name]
        yield alias, {"help": _first(entry.description), "variants": labels}


def _settings() -> Iterator[tuple[str, dict[str, Any]]]:
    from llmd.config.store import keys

    for key, hint in keys().items():
        base = get_args(hint)[0] if get_args(hint) else hint
        choices: list[str] = []
        if base is bool:
            choices = ["true", "false"]
        elif isinstance(base, type) and issubclass(base, StrEnum):
            choices = [choice.value for choice in base]
        yield key, {"help": "", "choices": choices}


def _types() -> list[str]:
    from llmd.models.quantization import TYPES

    return [kind.name for kind in TYPES]


def _first(text: str | None) -> str:
    """Return the first sentence, shortened, on one line."""
    words = " ".join((text or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".")
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rstrip()}…"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
