"""Answers a shell: one line for each word it may offer, the word, a tab and what it means.

A line that begins with a tab asks the shell for names of files. Whatever goes wrong is said to
nobody: a traceback between two keystrokes helps no one.
"""

import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from llmd.cli.completing import grammar, names, words

_TABLE = Path(__file__).with_name("table.json")
_FILES = "\tfiles"
_PATH_STARTS = ("/", ".", "~")
# bash replaces only what stands behind the last of these in a word
_BREAKS = ":=@"


def main(arguments: Sequence[str]) -> int:
    """Print what may stand at the cursor: `bash LINE BREAKS`, or `zsh|fish WORD... CURRENT`."""
    with contextlib.suppress(Exception):
        shell, *rest = arguments
        lines = _bash(*rest) if shell == "bash" else _plain(shell, rest)
        text = "".join(f"{line}\n" for line in lines)
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.flush()
    return 0


def offers(before: Sequence[str], current: str) -> tuple[list[grammar.Offer], bool]:
    """Return what may stand at the cursor with its meaning, and whether files may; `before` are the
    words behind `llmd`.
    """
    table: dict[str, Any] = json.loads(_TABLE.read_bytes())
    want = grammar.wanted(table["root"], before, current)
    found = names.of(want.kind, want.typed, want.before, table) if want.kind else []
    listed = [*want.offers, *((want.prefix + name, about) for name, about in found)]
    unique = list({name: (name, about) for name, about in reversed(listed)}.values())[::-1]
    # where names and files may stand, files are meant by what looks like a path, or nothing else is
    named = bool(unique) and "/" not in want.typed and not want.typed.startswith(_PATH_STARTS)
    return unique, want.kind == "files" or (want.kind == "any_model" and not named)


def _bash(line: str, breaks: str) -> Iterable[str]:
    typed = words.split(line)
    found, files = offers(typed.words[1:], typed.current)
    begun = max((typed.current.rfind(char) + 1 for char in _BREAKS if char in breaks), default=0)
    cut = 0 if typed.quote else begun
    yield from (words.quoted(name[cut:], typed.quote) for name, _ in found)
    if files:
        yield _FILES


def _plain(shell: str, typed: Sequence[str]) -> Iterable[str]:
    *before, current = typed
    # fish hands over the current word as it is typed, zsh without its quotes
    current = words.split(current).current if shell == "fish" else current
    found, files = offers(before, current)
    yield from (f"{name}\t{about}" for name, about in found)
    if files:
        yield _FILES
