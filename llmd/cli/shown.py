"""How help is laid out: commands in groups by what they are for, options, then examples."""

import re
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from llmd.cli import loudness

PANELS = ("Talk", "Models", "Memory", "Daemon", "Accounts", "Setup")
"""What commands are for, in the order in which help lists them."""

_OTHERS = "Commands"
_CLAUSE = re.compile(r"[.;:](?:\s|$)")

_NEEDED = re.compile(r"\{(\w+)\}")
"""How Typer writes the name of an argument that must be there."""
_NAME = re.compile(r"^\[?\w+(?=[\] ]|$)")


# how Typer writes types, and how people do
_TYPE = re.compile(
    r" ?<(?:list\[)?(str|int|float|path|file|directory)(?: range)?\]?>", re.IGNORECASE
)
_WORDS = {"str": "TEXT", "int": "N", "float": "X", "path": "FILE", "file": "FILE"}


class Command(TyperCommand):
    """A command whose epilog is its examples, a line each."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return `--help`, as `_light` has it."""
        return _light(super().get_help_option(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Obey what every command understands, leave the rest to Typer."""
        return super().parse_args(ctx, loudness.obey(args))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what is typed behind the command: names of arguments as they stand below."""
        pieces = super().collect_usage_pieces(ctx)
        return [_loud(_NEEDED.sub(r"\1", piece)) for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, with plain words for their types."""
        records: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                argument = param.param_type_name == "argument"
                name = _TYPE.sub("" if argument else _word, record[0])
                row = _loud(name) if argument else name, record[1]
                records["Arguments" if argument else "Options"].append(row)
        for title, rows in records.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  Typer's signature
        """Write the examples as they are typed."""
        write_examples(formatter, (self.epilog or "").splitlines())


class Group(TyperGroup):
    """A group that shows its commands under the panels they were given."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return `--help`, as `_light` has it."""
        return _light(super().get_help_option(ctx))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each panel, in the order of their first commands."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        seen = [(name, command) for name, command in commands if command and not command.hidden]
        widest = max((len(name) for name, _ in seen), default=0)
        panels: dict[str, list[tuple[str, str]]] = {panel: [] for panel in PANELS}
        for name, command in seen:
            panel = getattr(command, "rich_help_panel", None)
            row = name.ljust(widest), brief(command.help or "")
            panels.setdefault(panel if isinstance(panel, str) else _OTHERS, []).append(row)
        for panel, rows in panels.items():
            if rows:
                with formatter.section(panel):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  Typer's signature
        """Write the examples as they are typed."""
        write_examples(formatter, (self.epilog or "").splitlines())


def _light(option: Any) -> Any:
    """Give a flag a default that is a truth value: of any other, such as Typer's None, it takes
    pydantic to see that it is one, and importing that doubles the time of `llmd ps`.
    """
    if option is not None:
        option.default = False
    return option


def _word(found: re.Match[str]) -> str:
    return f" {_WORDS.get(found[1].lower(), found[1].upper())}"


def _loud(argument: str) -> str:
    """Return an argument with its name, not its choices, in capitals."""
    return _NAME.sub(lambda found: found[0].upper(), argument)


def brief(text: str) -> str:
    """Return the first clause of a help text."""
    return _CLAUSE.split(" ".join(text.split()), maxsplit=1)[0]


def write_examples(formatter: Any, lines: Sequence[str]) -> None:
    """Write a section of command lines, which are never wrapped."""
    if lines:
        with formatter.section("Examples"):
            for line in lines:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def dress(app: typer.Typer, path: str = "") -> None:
    """Give all commands of an application their examples and this layout; `path` is what is typed
    before them.
    """
    from llmd.cli import examples

    app.info.cls = Group
    for info in app.registered_commands:
        name = info.name or (info.callback.__name__ if info.callback else "")
        lines = examples.of(f"{path} {name.rstrip('_').replace('_', '-')}".strip())
        info.cls = Command
        info.epilog = "\n".join(lines)
    for group in app.registered_groups:
        if group.typer_instance:
            group.cls = Group
            dress(group.typer_instance, f"{path} {group.name}".strip())
