"""Writes the manual pages: `python -m llmd.cli.manual packaging/man`.

They say what `--help` says, one page for llmd and one for each command, those of a group together.
No date stands in them, so that they change with the commands only.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SECTION = "1"
_SPACES = re.compile(r"\s+")
_PARAGRAPHS = re.compile(r"\n\s*\n")

_FILES = (
    ("config.toml", "The settings; `llmd config path` says where it lies."),
    ("llmd.sock", "The control socket, below $XDG_RUNTIME_DIR/llmd, or $LLMD_SOCKET."),
)
_ENVIRONMENT = (
    ("LLMD_HOME", "A directory that holds everything llmd keeps."),
    ("LLMD_SOCKET", "The control socket of the daemon."),
    ("LLMD_NO_AUTOSTART", "If set to 1, commands do not start the daemon."),
    ("LLMD_SECTION_KEY", "A setting, such as LLMD_SERVER_PORT for server.port."),
)
_EXIT = (
    ("0", "All is well."),
    ("1", "It failed."),
    ("2", "Wrong usage."),
    ("3", "The daemon cannot be reached."),
    ("4", "No such model."),
    ("130", "Interrupted."),
)


def pages() -> dict[str, str]:
    """Return all pages by their file names."""
    import typer

    from llmd.cli.commands import application

    root: Any = typer.main.get_command(application())
    commands = {name: command for name, command in root.commands.items() if not command.hidden}
    made = {f"llmd.{_SECTION}": _root_page(root, commands)}
    for name, command in commands.items():
        made[f"llmd-{name}.{_SECTION}"] = _page(f"llmd {name}", command)
    return made


def write(directory: Path) -> None:
    """Write them, and delete those of commands that are gone."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for stale in {path.name for path in directory.glob(f"*.{_SECTION}")} - set(wanted):
        (directory / stale).unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")


def escaped(text: str) -> str:
    """Return text that roff shows as it stands; words between backticks are bold."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    plain = re.sub(r"`([^`\n]+)`", r"\\fB\1\\fR", plain)
    # a line that begins so would be a request
    return re.sub(r"(?m)^([.'])", r"\\&\1", plain)


def _root_page(root: Any, commands: dict[str, Any]) -> str:
    lines = [
        *_head("llmd", root.help),
        ".SH SYNOPSIS",
        ".B llmd",
        "[\\fIOPTION\\fR...] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]",
        ".SH DESCRIPTION",
        *_text(root.help),
        *_options(root),
        ".SH COMMANDS",
    ]
    for name, command in commands.items():
        lines += _entry(f"\\fBllmd\\-{escaped(name)}\\fR(1)", _brief(command))
    for title, entries in (
        ("ENVIRONMENT", _ENVIRONMENT),
        ("FILES", _FILES),
        ("EXIT STATUS", _EXIT),
    ):
        lines.append(f".SH {title}")
        for name, meaning in entries:
            lines += _entry(f"\\fB{escaped(name)}\\fR", meaning)
    return "\n".join(lines) + "\n"


def _page(name: str, command: Any) -> str:
    inside = getattr(command, "commands", {})
    subcommands = {f"{name} {key}": one for key, one in inside.items() if not one.hidden}
    synopses = [_synopsis(path, one) for path, one in subcommands.items()]
    lines = [
        *_head(name, command.help),
        ".SH SYNOPSIS",
        *"\n.br\n".join(synopses or [_synopsis(name, command)]).splitlines(),
        ".SH DESCRIPTION",
        *_text(command.help),
    ]
    if not subcommands:
        lines += _options(command)
    for path, one in subcommands.items():
        lines += [f".SH {escaped(path).upper()}", *_text(one.help), *_parameters(one)]
    return "\n".join([*lines, ".SH SEE ALSO", ".BR llmd (1)"]) + "\n"


def _head(name: str, text: str | None) -> list[str]:
    dashed = escaped(name.replace(" ", "-"))
    summary = escaped(_sentence(text))
    return [
        '.\\" made by python -m llmd.cli.manual',
        f'.TH "{dashed.upper()}" "{_SECTION}" "" "llmd" "llmd manual"',
        ".SH NAME",
        f"{dashed} \\- {summary}",
    ]


def _synopsis(name: str, command: Any) -> str:
    words = [f"\\fB{escaped(name)}\\fR"]
    if any(parameter.param_type_name == "option" for parameter in command.params):
        words.append("[\\fIOPTION\\fR...]")
    for argument in _arguments(command):
        shown = f"\\fI{_shown(argument)}\\fR"
        shown += "..." if argument.nargs == -1 else ""
        words.append(shown if argument.required else f"[{shown}]")
    return " ".join(words)


def _arguments(command: Any) -> list[Any]:
    return [one for one in command.params if one.param_type_name == "argument"]


def _options(command: Any) -> list[str]:
    lines = _parameters(command)
    return [".SH OPTIONS", *lines] if lines else []


def _parameters(command: Any) -> list[str]:
    import typer

    context = typer.Context(command, info_name="llmd", help_option_names=["-h", "--help"])
    lines = []
    for parameter in command.get_params(context):
        # what --help prints of it, so that defaults and choices are told in the same words
        record = parameter.get_help_record(context)
        if record is None:
            continue
        is_argument = parameter.param_type_name == "argument"
        tag = f"\\fI{_shown(parameter)}\\fR" if is_argument else f"\\fB{escaped(record[0])}\\fR"
        lines += _entry(tag, record[1])
    return lines


def _shown(argument: Any) -> str:
    return escaped(str(argument.metavar or argument.name).upper())


def _entry(tag: str, text: str) -> list[str]:
    return [".TP", tag, *(_text(text) or ["\\&"])]


def _text(text: str | None) -> list[str]:
    return list(_paragraphs(text or ""))


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(_PARAGRAPHS.split(text.replace("\f", "\n\n").strip())):
        if number:
            yield ".PP"
        if words := _SPACES.sub(" ", paragraph).strip():
            yield escaped(words)


def _brief(command: Any) -> str:
    return _sentence(command.help) + "."


def _sentence(text: str | None) -> str:
    """Return the first sentence, without its end."""
    words = _SPACES.sub(" ", (text or "").strip())
    return re.split(r"[.;:](?:\s|$)", words, maxsplit=1)[0]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
