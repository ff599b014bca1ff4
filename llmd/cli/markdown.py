"""Markdown on a terminal while it is being written.

Finished blocks (paragraphs, lists, code) are printed for good; only the block that still grows is
redrawn. Of that one, lines that would not fit on the screen are printed for good as well, so that a
long answer scrolls as any text does.
"""

import time
from collections.abc import Callable
from typing import Protocol

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment, SegmentLines

from llmd.tui.chat.plain import plain

_REDRAW_INTERVAL = 0.07
_SPARE_LINES = 2
_FENCES = ("```", "~~~")

Lines = list[list[Segment]]


class Answering(Protocol):
    """Where an answer is shown: any number of `feed`, one `close`."""

    def feed(self, text: str) -> None:
        """Add text."""

    def close(self) -> None:
        """End the answer, whole or not."""


class PlainAnswer:
    """Text as it comes."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def feed(self, text: str) -> None:
        """Write it."""
        self._write(text)

    def close(self) -> None:
        """End the line."""
        self._write("\n")


class LiteralMarkdown(Markdown):
    """Markdown in which HTML is text: models write tags that are meant to be read, such as
    `<think>`.
    """

    def __init__(self, markup: str) -> None:
        super().__init__(markup, code_theme="ansi_dark")
        parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
        self.parsed = parser.parse(markup)


class MarkdownAnswer:
    """Markdown that is rendered as it comes."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._block = ""
        self._printed = 0
        self._drawn_at = 0.0
        self._live = Live(
            console=console, auto_refresh=False, transient=True, vertical_overflow="crop"
        )
        self._live.start()

    def feed(self, text: str) -> None:
        """Add text; the screen follows a few times a second."""
        self._block += plain(text)
        if self._clock() - self._drawn_at >= _REDRAW_INTERVAL:
            self._drawn_at = self._clock()
            self._draw()

    def close(self) -> None:
        """Print what is left and give the terminal back."""
        finished, rest = split_blocks(self._block)
        for block in (*finished, rest):
            self._finish(block)
        self._block = ""
        self._show([])
        self._live.stop()

    def _draw(self) -> None:
        finished, self._block = split_blocks(self._block)
        for block in finished:
            self._finish(block)
        lines = self._render(self._block)
        room = max(self._console.height - _SPARE_LINES, 1)
        if len(lines) - self._printed > room:
            self._print(lines[self._printed : len(lines) - room])
            self._printed = len(lines) - room
        self._show(lines[self._printed :])

    def _finish(self, block: str) -> None:
        if not block.strip():
            return
        lines = self._render(block)
        self._show([])
        self._print([*lines[self._printed :], []])
        self._printed = 0

    def _render(self, block: str) -> Lines:
        if not block.strip():
            return []
        lines = self._console.render_lines(LiteralMarkdown(block), pad=False)
        while lines and _is_blank(lines[-1]):
            lines.pop()
        while lines and _is_blank(lines[0]):
            lines.pop(0)
        return lines

    def _print(self, lines: Lines) -> None:
        self._console.print(_Rendered(lines), end="")

    def _show(self, lines: Lines) -> None:
        self._live.update(_Rendered(lines), refresh=True)


def _is_blank(line: list[Segment]) -> bool:
    return not any(segment.text.strip() for segment in line)


class _Rendered:
    """Lines that need no more rendering."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield SegmentLines(self._lines, new_lines=True)


def split_blocks(text: str) -> tuple[list[str], str]:
    """Return the blocks that can grow no more, and the rest.

    A block ends at an empty line outside a code fence. One that is a list goes on after an empty
    line if the next line is an item or indented, so it ends only when something else follows.
    """
    blocks: list[str] = []
    start = position = 0
    fence = ""
    blank = False
    for line in text.splitlines(keepends=True):
        stripped = line.strip()
        if (
            blank
            and stripped
            and not fence
            and line.endswith("\n")
            and not _goes_on(text[start:position], line)
        ):
            blocks.append(text[start:position])
            start = position
        if not fence and stripped.startswith(_FENCES):
            fence = stripped[: len(stripped) - len(stripped.lstrip(stripped[0]))]
        elif fence and stripped.startswith(fence) and not stripped.strip(fence[0]):
            fence = ""
        blank = not stripped
        position += len(line)
    return blocks, text[start:]


def _goes_on(block: str, line: str) -> bool:
    """Whether a line after an empty one still belongs to the block: more of a list, or of indented
    text.
    """
    return _is_item(block.lstrip("\n")) and (_is_item(line) or line[0] in " \t")


def _is_item(line: str) -> bool:
    mark = line.lstrip().split(maxsplit=1)[0] if line.strip() else ""
    return mark in {"-", "*", "+"} or (mark[:-1].isdigit() and mark[-1] in ".)")
