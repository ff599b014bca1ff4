'''The lines of an Ollama Modelfile, as its own parser cuts them.

    # a comment
    INSTRUCTION the rest of the line
    INSTRUCTION "a value in quotes
    that may go on over lines"
    INSTRUCTION """so may this, and it may hold "quotes" too"""

Instructions are read whatever their case. The format is that of Ollama's docs/modelfile.mdx and
parser/parser.go.
'''

from __future__ import annotations

import re
from dataclasses import dataclass

from llmd.errors import InvalidRequest

INSTRUCTIONS = frozenset(
    {
        "adapter",
        "draft",
        "from",
        "license",
        "message",
        "parameter",
        "parser",
        "renderer",
        "requires",
        "system",
        "template",
    }
)
ROLES = frozenset({"system", "user", "assistant"})

_LINE = re.compile(r"(?P<word>[A-Za-z]+)[ \t](?P<rest>.*)", re.DOTALL)
_NAMED = re.compile(r"\s*(?P<name>[A-Za-z0-9_]+)(?:[ \t](?P<rest>.*))?", re.DOTALL)
_TRIPLE = '"""'
_LOOKS = re.compile(r"^\s*FROM[ \t]+[^\s=]", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction."""

    name: str
    """In small letters."""
    value: str
    line: int
    """Where it begins, from 1."""
    subject: str = ""
    """The parameter, or the role of a message."""


def is_modelfile(text: str) -> bool:
    """Whether a text is rather a Modelfile than TOML."""
    return bool(_LOOKS.search(text))


def fault(line: int, reason: str, hint: str = "") -> InvalidRequest:
    """Return the error that names a line."""
    return InvalidRequest(
        f"The Modelfile cannot be used: line {line}: {reason}.", hint=hint, param="file"
    )


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Modelfile in order; raise InvalidRequest with line and
    reason.
    """
    found: list[Instruction] = []
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        line = lines[at].lstrip(" \t")
        if not line or line.startswith("#"):
            at += 1
            continue
        first = at
        name, subject, value = _cut(line, first + 1)
        while (whole := _unquoted(value)) is None:
            at += 1
            if at == len(lines):
                raise fault(first + 1, "its quotes are never closed", 'Close them with " or """.')
            value += "\n" + lines[at]
        found.append(Instruction(name, whole, first + 1, subject))
        at += 1
    return found


def _cut(line: str, number: int) -> tuple[str, str, str]:
    """Return instruction, subject and value of a line."""
    match = _LINE.fullmatch(line)
    word = match["word"].lower() if match else ""
    if match is None or word not in INSTRUCTIONS:
        raise fault(
            number,
            f"{line.partition(' ')[0][:60]!r} is no instruction, or has no value",
            f"There are {', '.join(sorted(INSTRUCTIONS)).upper()}.",
        )
    if word not in {"parameter", "message"}:
        return word, "", match["rest"]
    named = _NAMED.fullmatch(match["rest"])
    if named is None or named["rest"] is None:
        raise fault(number, f"{word.upper()} needs a name and a value")
    if word == "message" and named["name"] not in ROLES:
        raise fault(number, "the role of a message is system, user or assistant")
    return word, named["name"], named["rest"]


def _unquoted(value: str) -> str | None:
    """Return a value without its quotes; None when they are not closed yet."""
    value = value.strip()
    for quote in (_TRIPLE, '"'):
        if value.startswith(quote):
            closed = len(value) >= 2 * len(quote) and value.endswith(quote)
            return value[len(quote) : -len(quote)] if closed else None
    return value
