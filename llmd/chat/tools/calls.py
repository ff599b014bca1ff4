"""Text with calls in it: what stands around them, and what becomes of calls that are none."""

from __future__ import annotations

from collections.abc import Callable

from llmd.chat.scanning import Malformed, Parsing, Scanner

ReadCall = Callable[[str], Parsing[None]]
"""Reads the call behind the opening that it is given; raises Malformed."""


def attempt(scan: Scanner, before: str, opening: str, read: ReadCall) -> Parsing[None]:
    """Read a call whose opening was just read. A call that is none becomes text, together with
    white space that was held back `before` it; text goes on right behind the opening.
    """
    begun = scan.calls
    scan.mark()
    try:
        yield from read(opening)
    except Malformed:
        if scan.calls > begun:
            scan.forget()
        else:
            scan.back()
            scan.say(before + opening)
    else:
        scan.forget()


def text_with_calls(scan: Scanner, openings: tuple[str, ...], read: ReadCall) -> Parsing[None]:
    """Read an answer to its end. White space between calls, and before the first if there is
    nothing else, is layout.
    """
    while True:
        gap = yield from scan.gap()
        opening = yield from scan.literal(*openings)
        if not opening:
            if not (scan.calls and (yield from scan.over())):
                scan.say(gap)
            gap = ""
            found = yield from scan.through(openings, scan.say)
            if found is None:
                return
            opening = found
        yield from attempt(scan, gap, opening, read)
