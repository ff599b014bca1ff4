"""One conversation as a page shows it: what was said, and the line to say more."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from llmd.errors import LlmdError
from llmd.tui.chat import completing
from llmd.tui.chat.desk import Desk
from llmd.tui.chat.lines import Lines
from llmd.tui.chat.plain import plain
from llmd.tui.chat.talk import Talk
from llmd.tui.chat.turns import Turn
from llmd.tui.dialogs.chat_options import ChatOptions, Options
from llmd.tui.page import Page
from llmd.tui.widgets.composer import Composer
from llmd.tui.widgets.transcript import Transcript


class TalkPage(Page):
    """Shows the talk that its desk shows; what is asked and listed is left to `ChatPage`."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.llmd.client, self._say)
        self.editing: Turn | None = None
        """The question that is being said otherwise."""
        self._aside: str | None = None
        """What was being typed before a command or an edit."""

    def body(self) -> ComposeResult:
        """Lay the talk out."""
        with Vertical(id="talk"):
            yield Transcript(id="transcript")
            yield Static(id="attached", markup=False)
            yield Composer(Lines(self.llmd.paths.history_file), self._suggest, id="composer")

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        """Where one types."""
        return self.query_one(Composer)

    @property
    def talk(self) -> Talk:
        """The conversation that is shown."""
        return self.desk.shown

    def _say(self, text: str) -> None:
        self.notify(plain(text), markup=False)

    def _suggest(self, text: str) -> str:
        return completing.suggestion(text, self.desk.names)

    async def show_talk(self, talk: Talk) -> None:
        """Show a talk as it was left."""
        self.editing = self._aside = None
        draft = talk.draft
        await self.transcript.show(talk)
        self.composer.put(draft)
        self.composer.focus()
        self.mark()
        if talk.missing:
            self.run_worker(self._read_back(talk), group="reading", exclusive=True)

    async def _read_back(self, talk: Talk) -> None:
        try:
            await self.desk.read_back(talk)
        except LlmdError as error:
            self.tell(error)

    async def renew(self) -> None:
        """Show what has become of the talk."""
        if self.ending:
            return
        await self.transcript.renew()
        self.mark()

    def mark(self) -> None:
        """Show what stands around the talk."""
        if self.ending:
            return
        names = [path.rsplit("/", 1)[-1] for path in self.talk.images]
        attached = self.query_one("#attached", Static)
        attached.set_class(bool(names), "-shown")
        attached.update(Content(plain(f"▣ {', '.join(names)}  (backspace takes it away)")))
        self.composer.border_title = Content(plain(self._title()))
        self.composer.border_subtitle = Content(self._subtitle())

    def _title(self) -> str:
        talk = self.talk
        if call := talk.asked_call:
            return f"Result of {call.name}"
        parts = [self.desk.model(talk) or "no model yet"]
        parts += talk.wishes.words()
        if talk.tools:
            parts.append(f"{len(talk.tools)} tool{'' if len(talk.tools) == 1 else 's'}")
        return " · ".join(parts)

    def _subtitle(self) -> str:
        if self.llmd.trouble:
            return "ctrl+s starts the daemon"
        if self.editing:
            return "editing; esc leaves it as it was"
        return "esc stops" if self.talk.answer else ""

    def edit(self, turn: Turn | None) -> None:
        """Let a question be said otherwise: that one, or the last."""
        turn = turn or self.talk.last_said()
        if turn and not self.talk.answer:
            self._set_aside(turn.text)
            self.editing = turn
            self.mark()

    def _set_aside(self, text: str) -> None:
        """Show a text until it is sent or left, in place of what is being typed."""
        if self._aside is None:
            self._aside = self.composer.text
        self.composer.put(text)
        self.composer.focus()

    @property
    def puts_back(self) -> bool:
        """Whether something that was being typed is set aside."""
        return self._aside is not None

    def put_back(self) -> str:
        """Show again what was being typed before, if anything was."""
        aside, self._aside = self._aside or "", None
        self.composer.put(aside)
        return aside

    def copy(self, text: str) -> None:
        """Copy a text, where the terminal lets programs do so."""
        if not text:
            self.notify("There is nothing to copy.", severity="warning")
            return
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied {len(text)} characters, if this terminal lets programs copy.")

    @on(Transcript.Top)
    async def _top(self) -> None:
        await self.transcript.look_back()

    @on(TextArea.Changed)
    def _typed(self) -> None:
        if self._aside is None:
            self.talk.draft = self.composer.text

    @on(Composer.Emptied)
    def _emptied(self) -> None:
        if self.talk.images:
            self.talk.images = self.talk.images[:-1]
            self.mark()

    def action_new(self) -> None:
        """Begin another conversation."""
        self.call_later(self.show_talk, self.desk.fresh())

    def action_options(self) -> None:
        """Choose model, system prompt and sampling."""
        self.perform(self._choose())

    async def _choose(self) -> None:
        talk = self.talk
        # models may have come meanwhile, and an early system prompt may not have been fetched yet
        await self.desk.learn()
        await self.desk.read_back(talk)
        options = Options(self.desk.model(talk), talk.system, talk.wishes)
        self.app.push_screen(ChatOptions(self.desk.names, options), self._chosen)

    def _chosen(self, options: Options | None) -> None:
        if options:
            self.talk.model = options.model
            self.talk.wishes = options.wishes
            self.set_system(options.system)

    def set_system(self, text: str) -> None:
        """Set the system prompt."""
        self.talk.set_system(text)
        self.call_later(self.renew)

    def action_attach(self) -> None:
        """Type the path of a picture."""
        if self.desk.sees(self.talk):
            self._set_aside("/image ")
        else:
            name = plain(self.desk.model(self.talk))
            self.notify(f"{name} does not see pictures.", severity="warning", markup=False)
