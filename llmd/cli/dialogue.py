"""One turn after another: takes what the person typed, obeys or asks, shows the answer, survives
failures.
"""

from collections.abc import Callable
from typing import Any

from llmd.cli.answer import Answer, speed
from llmd.cli.markdown import Answering
from llmd.cli.render import note
from llmd.cli.slash import Chat, is_command, obey
from llmd.cli.thoughts import thoughts
from llmd.errors import ContextOverflow, LlmdError


class Dialogue:
    """A chat with the wishes for its answers; `answering` makes the place where one answer is
    shown.
    """

    def __init__(
        self,
        chat: Chat,
        wishes: dict[str, Any],
        answering: Callable[[], Answering],
        remark: Callable[[str], None] | None = None,
    ) -> None:
        """Keep all parts; without `remark` speed is not shown."""
        self._chat = chat
        self._wishes = wishes
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
            obey(self._chat, line)
            return
        conversation = self._chat.conversation
        conversation.ask(line)
        try:
            answer = self._ask()
        except ContextOverflow as error:
            conversation.take_back()
            self._fail(f"{error} Nothing was cut: /clear starts anew, or ask something shorter.")
        except LlmdError as error:
            conversation.take_back()
            self._fail(str(error))
        else:
            self._finish(answer)

    def _ask(self) -> Answer:
        """Stream one answer; Ctrl-C ends it, and what came so far counts."""
        body = {
            **self._wishes,
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

    def _finish(self, answer: Answer) -> None:
        if answer.text:
            self._chat.answered(answer)
        else:
            self._chat.conversation.take_back()
        for notice in answer.notices():
            note(notice)
        if self._remark and answer.finish_reason == "stopped":
            self._remark("stopped")
        elif self._remark and (figures := speed(answer.usage)):
            self._remark(figures)

    def _fail(self, message: str) -> None:
        self.failed = True
        note(f"Error: {message}")
