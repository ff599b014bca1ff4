"""Text that comes in pieces, read as if it were whole.

A parser is a generator over a `Scanner`: it asks what comes next and is suspended until there is
text enough to answer. Every answer depends on the text alone and never on where it was cut, so any
split of an answer gives the same result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from functools import lru_cache
from typing import TypeVar

from llmd.protocol.events import CallDelta, Portion, melted

T = TypeVar("T")
Parsing = Generator[None, None, T]
"""A parser that is suspended while it waits for more text."""
Sink = Callable[[str], None]

_SPACE = re.compile(r"\s*")
_ANY = re.compile(r"(?s:.*)")


class Malformed(Exception):
    """What stands here is not what the parser expects, or the text ends too early."""


class Enough(Exception):
    """The answer holds as many calls as it may; what follows does not count."""


class Scanner:
    """A place in a text that grows, and what was found in it so far."""

    def __init__(
        self,
        new_id: Callable[[], str],
        most_calls: int | None = None,
        *,
        separate: bool = True,
        permits: Callable[[str], bool] | None = None,
    ) -> None:
        """Give calls ids from `new_id`; `separate`: keep reasoning apart from the answer;
        `permits` says whether a call of a tool may begin here.
        """
        self.separate = separate
        self.thinking = False
        """Whether the place is inside reasoning."""
        self.reasoned = False
        """Whether there was any reasoning."""
        self.calls = 0
        """Calls that have begun."""
        self.complete = 0
        """Calls that were read to their end."""
        self._new_id = new_id
        self._most = most_calls
        self._permits = permits
        self._text = ""
        self._at = 0
        self._marks: list[int] = []
        self._whole = False
        self._said: list[str] = []
        self._thought: list[str] = []
        self._called: list[CallDelta] = []

    def add(self, text: str) -> None:
        """Append text, and forget what can no longer be asked for."""
        cut = self._marks[0] if self._marks else self._at
        self._text = self._text[cut:] + text
        self._at -= cut
        self._marks = [mark - cut for mark in self._marks]

    def finish(self) -> None:
        """Say that the text ends here."""
        self._whole = True

    def drain(self) -> Portion:
        """Return what was found since the last time."""
        portion = Portion("".join(self._said), "".join(self._thought), melted(self._called))
        self._said, self._thought, self._called = [], [], []
        return portion

    def say(self, text: str) -> None:
        """Count text as part of the answer."""
        if text:
            self._said.append(text)

    def think(self, text: str) -> None:
        """Count text as reasoning, which is part of the answer unless it is kept apart."""
        if text:
            self.reasoned = True
            (self._thought if self.separate else self._said).append(text)

    def markup(self, text: str) -> None:
        """Count text as a mark around reasoning: it goes where reasoning goes, or nowhere."""
        if not self.separate:
            self.say(text)

    def begin(self, name: str, call_id: str = "") -> None:
        """Begin a call; raise Enough when there may be no more of them, Malformed when this one
        may not be.
        """
        if self._most is not None and self.calls >= self._most:
            raise Enough
        if self._permits and not self._permits(name):
            raise Malformed
        self._called.append(CallDelta(self.calls, call_id or self._new_id(), name))
        self.calls += 1

    def argue(self, text: str) -> None:
        """Add to the arguments of the call that has begun last."""
        if text:
            self._called.append(CallDelta(self.calls - 1, arguments=text))

    def mark(self) -> None:
        """Remember this place, for `back` or `forget`."""
        self._marks.append(self._at)

    def back(self) -> None:
        """Return to the place remembered last."""
        self._at = self._marks.pop()

    def forget(self) -> str:
        """Give up the place remembered last; return the text from there to here."""
        return self._text[self._marks.pop() : self._at]

    def unread(self, text: str) -> None:
        """Go back before `text`, which was read last."""
        self._at -= len(text)

    def over(self) -> Parsing[bool]:
        """Whether the text ends here."""
        while self._at == len(self._text):
            if self._whole:
                return True
            yield
        return False

    def take(self, count: int) -> Parsing[str]:
        """Read the next `count` characters, fewer only at the end."""
        yield from self._wait(count)
        taken = self._text[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def peek(self) -> Parsing[str]:
        """Return the next character without reading it; nothing at the end."""
        yield from self._wait(1)
        return self._text[self._at : self._at + 1]

    def literal(self, *options: str) -> Parsing[str]:
        """Read the first of these texts that stands here and return it; "" when none does."""
        while True:
            undecided = False
            for option in options:
                if self._text.startswith(option, self._at):
                    if undecided:
                        break
                    self._at += len(option)
                    return option
                rest = len(self._text) - self._at
                growing = rest < len(option) and self._text.startswith(option[:rest], self._at)
                undecided = undecided or (growing and not self._whole)
            if not undecided:
                return ""
            yield

    def expect(self, *options: str) -> Parsing[str]:
        """Read one of these texts; raise Malformed when none stands here."""
        found = yield from self.literal(*options)
        if not found:
            raise Malformed
        return found

    def run(self, pattern: re.Pattern[str], sink: Sink) -> Parsing[None]:
        """Read as long as `pattern`, one class of characters repeated, goes on."""
        while True:
            found = pattern.match(self._text, self._at)
            end = found.end() if found else self._at
            if end > self._at:
                sink(self._text[self._at : end])
                self._at = end
            if end < len(self._text) or self._whole:
                return
            yield

    def rest(self, sink: Sink) -> Parsing[None]:
        """Read everything up to the end."""
        yield from self.run(_ANY, sink)

    def word(self, pattern: re.Pattern[str], longest: int) -> Parsing[str]:
        """Read such a run as a whole; raise Malformed when it is empty or too long."""
        pieces: list[str] = []
        length = 0

        def collect(text: str) -> None:
            nonlocal length
            length += len(text)
            if length > longest:
                raise Malformed
            pieces.append(text)

        yield from self.run(pattern, collect)
        if not pieces:
            raise Malformed
        return "".join(pieces)

    def gap(self) -> Parsing[str]:
        """Read white space and return it."""
        pieces: list[str] = []
        yield from self.run(_SPACE, pieces.append)
        return "".join(pieces)

    def space(self) -> Parsing[None]:
        """Skip white space."""
        yield from self.run(_SPACE, _nowhere)

    def closing(self, marker: str) -> Parsing[bool]:
        """Skip a marker and white space before it, if it stands here."""
        self.mark()
        yield from self.space()
        if (yield from self.literal(marker)):
            self.forget()
            return True
        self.back()
        return False

    def through(self, markers: tuple[str, ...], sink: Sink) -> Parsing[str | None]:
        """Read up to the first of `markers`, none of which begins another, and beyond it; return
        it, or None when the text ends first.
        """
        pattern, starts, longest = _search(markers)
        while True:
            found = pattern.search(self._text, self._at)
            end = found.start() if found else len(self._text)
            low = max(self._at, len(self._text) - longest + 1)
            safe = end if self._whole else self._safe(markers, starts, low, end)
            if safe > self._at:
                sink(self._text[self._at : safe])
                self._at = safe
            if found and safe == end:
                self._at = found.end()
                return found[0]
            if self._whole:
                return None
            yield

    def _wait(self, count: int) -> Parsing[None]:
        while len(self._text) - self._at < count and not self._whole:
            yield

    def _safe(self, markers: tuple[str, ...], starts: re.Pattern[str], low: int, end: int) -> int:
        """Return where, from `low` to `end`, text begins that may still grow into a marker."""
        for start in starts.finditer(self._text, low, end):
            tail = self._text[start.start() :]
            if any(marker.startswith(tail) for marker in markers):
                return start.start()
        return end


def insist(holds: object) -> None:
    """Raise Malformed unless something holds."""
    if not holds:
        raise Malformed


@lru_cache(maxsize=64)
def _search(markers: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str], int]:
    """Return what finds a marker, what finds its first character, and the longest's length."""
    whole = re.compile("|".join(map(re.escape, markers)))
    starts = re.compile("[" + re.escape("".join({marker[0] for marker in markers})) + "]")
    return whole, starts, max(map(len, markers))


def _nowhere(_text: str) -> None:
    """Drop text."""
