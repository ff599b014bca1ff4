"""One turn after another: takes what the person typed, obeys or asks, shows the answer, survives
failures.
"""

from collections.abc import Callable

from llmd.cli.answer import Answer, overflow, speed
from llmd.cli.conversation import Turn
from llmd.cli.markdown import Answering
from llmd.cli.render import note
from llmd.cli.slash import Again, Chat, is_command, obey
from llmd.cli.thoughts import thoughts
from llmd.errors import ContextOverflow, LlmdError

_CUTS = {"truncate", "shift"}


class Dialogue:
    """A chat turn by turn; `answering` makes the place where one answer is shown."""

    def __init__(
        self,
        chat: Chat,
        answering: Callable[[], Answering],
        remark: Callable[[str], None] | None = None,
    ) -> None:
        """Keep all parts; without `remark` speed is not shown."""
        self._chat = chat
        self._answering = answering
        self._remark = remark
        self.failed = False

    def take(self, line: str) -> None:
        """Obey a command or ask the model; failures are told on stderr, and the conversation goes
        on.
        """
        if not line.strip():
            return
        if is_command(line):
            try:
                obey(self._chat, line)
            except Again:
                self._again()
            return
        self._chat.ask(line)
        self._reply()

    def _again(self) -> None:
        """Ask what got no answer once more, or have the last answer given anew."""
        chat = self._chat
        if chat.unanswered:
            chat.conversation.turns.append(chat.unanswered)
            chat.unanswered = None
            self._reply()
        elif former := chat.conversation.take_answer():
            self._reply(former)
        else:
            chat.say("There is no question yet.")

    def _reply(self, former: Turn | None = None) -> None:
        """Have the last question answered; without an answer the `former` one stays."""
        try:
            answer = self._ask()
        except ContextOverflow as error:
            self._unanswered(former)
            cut = "/set overflow truncate leaves out the oldest messages, "
            way = "" if self._chat.wishes.get("context_overflow") in _CUTS else cut
            self._fail(f"{overflow(error)} Nothing was cut: {way}/clear starts anew.")
        except LlmdError as error:
            self._unanswered(former)
            self._fail(str(error))
        except OSError as error:  # a picture that has gone
            self._unanswered(former)
            self._fail(f"{error.filename}: {error.strerror}.")
        else:
            self._finish(answer, former)

    def _unanswered(self, former: Turn | None) -> None:
        conversation = self._chat.conversation
        if former:
            conversation.turns.append(former)
        else:
            self._chat.unanswered = conversation.take_back()

    def _ask(self) -> Answer:
        """Stream one answer; Ctrl-C ends it, and what came so far counts."""
        body = {
            **self._chat.wishes,
            "model": self._chat.model,
            "messages": self._chat.conversation.messages(),
        }
        answer, screen, reasoning = Answer(), None, thoughts()
        try:
            with self._chat.client.stream_events("/v1/chat/completions", body) as stream:
                for chunk in stream:
                    added = answer.take(chunk)
                    reasoning.feed(answer.thought)
                    if added:
                        reasoning.close()
                        screen = screen or self._answering()
                        screen.feed(added)
        except KeyboardInterrupt:
            answer.finish_reason = "stopped"
        finally:
            reasoning.close()
            if screen:
                screen.close()
        return answer

    def _finish(self, answer: Answer, former: Turn | None) -> None:
        if answer.text:
            self._chat.answered(answer)
        else:
            self._unanswered(former)
        for notice in answer.notices("max_tokens (/set)"):
            note(notice)
        if self._remark and answer.finish_reason == "stopped":
            self._remark("stopped")
        elif self._remark and (figures := speed(answer.usage)):
            self._remark(figures)

    def _fail(self, message: str) -> None:
        self.failed = True
        note(f"Error: {message}")
