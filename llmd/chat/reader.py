"""Tells the answer, the reasoning and the tool calls in a model's text apart, as it comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llmd.chat.reasoning import Thinking, read_reasoning
from llmd.chat.scanning import Enough, Parsing, Scanner
from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.offer import Offer
from llmd.protocol.events import Portion


@dataclass(frozen=True, slots=True)
class Layout:
    """What the text of one answer can hold."""

    form: CallFormat
    offer: Offer = field(default_factory=Offer)
    """Tools that may be called; none: there are no calls to look for."""
    parallel: bool = True
    """Whether there may be several calls."""
    thinking: Thinking | None = None
    opened: str = ""
    """The end of the prompt, where that opens reasoning."""
    separate: bool = True
    """Whether reasoning is kept apart from the answer."""
    reasons: bool = True
    """Whether the model may begin to reason by itself."""

    @property
    def markers(self) -> tuple[str, ...]:
        """Texts that must be seen, though some vocabularies have control tokens for them."""
        thinking = (self.thinking.opening, self.thinking.closing) if self.thinking else ()
        return (*thinking, *(self.form.markers if self._formed else ()))

    @property
    def _formed(self) -> bool:
        return bool(self.offer.tools) or self.form.frames

    def parse(self, scan: Scanner) -> Parsing[None]:
        """Read an answer to its end."""
        form = self.form
        # formats that frame everything read their reasoning themselves; what a prompt opened, and
        # Command R's, stands before any frame
        if self.thinking and (not form.frames or self.opened or not self.thinking.always):
            interrupts = form.interrupts if self._formed else ()
            yield from read_reasoning(
                scan, self.thinking, opened=self.opened, interrupts=interrupts
            )
        if self._formed:
            yield from form.parse(scan, self.offer)
        yield from scan.rest(scan.say)


class AnswerReader:
    """Reads one answer; see the engine's `Reader`."""

    def __init__(
        self,
        layout: Layout,
        visible: frozenset[int],
        new_id: Callable[[], str],
        permits: Callable[[str], bool] | None = None,
    ) -> None:
        """Give calls ids from `new_id`. A call of a tool that `permits` does not let begin, when
        it is asked, is text.
        """
        self.visible = visible
        """Control tokens whose text must reach `push`."""
        self._single = not layout.parallel
        most = 1 if self._single else None
        self._scan = Scanner(new_id, most, separate=layout.separate, permits=permits)
        self._parsing: Parsing[None] | None = layout.parse(self._scan)
        self._advance()

    @property
    def thinking(self) -> bool:
        """Whether the text so far ends inside reasoning."""
        return self._scan.thinking

    @property
    def calls(self) -> int:
        """Tool calls that have begun in the text so far."""
        return self._scan.calls

    @property
    def called(self) -> bool:
        """Whether the text so far holds a tool call."""
        return self.calls > 0

    @property
    def ended(self) -> bool:
        """Whether the answer holds all that it may."""
        return self._parsing is None or (self._single and self._scan.complete > 0)

    def push(self, text: str) -> Portion:
        """Take more text; return what is now known to be what."""
        if self._parsing is None or not text:
            return Portion()
        self._scan.add(text)
        self._advance()
        return self._scan.drain()

    def close(self) -> Portion:
        """Return what was held back; the text ends here."""
        self._scan.finish()
        self._advance()
        return self._scan.drain()

    def _advance(self) -> None:
        if self._parsing is None:
            return
        try:
            next(self._parsing)
        except (StopIteration, Enough):
            self._parsing = None
