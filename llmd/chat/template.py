"""A model's chat template: messages and tools in, the prompt's text out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Self

import jinja2
import msgspec

from llmd.chat import fallback
from llmd.chat.abilities import Abilities, Message, Tools, find_abilities
from llmd.chat.adaptation import adapt
from llmd.chat.beside import with_text
from llmd.chat.continuation import continued
from llmd.chat.reader import Layout
from llmd.chat.reasoning import efforts, find_thinking, switches, thinking_of
from llmd.chat.sandbox import FAULTS, STEPS, ChatEnvironment, Refusal, Spent, run, to_json
from llmd.chat.tools.offer import Offer
from llmd.chat.tools.registry import choose_format
from llmd.errors import InvalidRequest
from llmd.protocol.requests import ChatPrompt

_PROBE_STEPS = 20_000
_THINKING = "message.thinking"
_REASONING, _USUAL = "message.reasoning", "reasoning_content"
_FUNCTIONS = frozenset({"functions", "datetime"})
_RESERVED = frozenset({"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"})


def local_time() -> datetime:
    """Return the time that templates mean when they write the date."""
    return datetime.now().astimezone()


class Rendering(msgspec.Struct, frozen=True):
    """The prompt of a conversation."""

    text: str
    continues: bool = False
    """Whether it ends inside the last message, which the answer continues."""


class ChatTemplate:
    """Compiled once per model; safe to render from several threads."""

    def __init__(
        self,
        source: str,
        *,
        bos: str,
        eos: str,
        stops: Sequence[str] = (),
        now: Callable[[], datetime] = local_time,
    ) -> None:
        """Compile and probe; a source that does not compile is reported when it is first
        rendered.
        """
        self.source = source
        self.stops = tuple(stops)
        """Texts at which an answer ends besides the model's own end tokens."""
        self._special = {"bos_token": bos, "eos_token": eos}
        self._now = now
        self._compiled: jinja2.Template | None = None
        self._fault = ""
        self._variables: frozenset[str] = frozenset()
        self.abilities = Abilities()
        environment = ChatEnvironment(now)
        try:
            self._compiled = environment.compiled(source)
            self._variables = environment.variables(source)
        except FAULTS as error:
            self._fault = _reason(error)
        else:
            self.abilities = find_abilities(self._probe)
        self.form = choose_format(source, describes_tools=self.abilities.tools)
        """How the model writes calls of tools."""
        self.thinking = find_thinking(source)
        """How the model marks reasoning; None when it does not reason."""

    @classmethod
    def choose(
        cls, source: str | None, is_token: Callable[[str], bool], *, bos: str, eos: str
    ) -> Self:
        """Take the model's own source, or a format that suits the vocabulary; `is_token` knows its
        markers.
        """
        chosen = fallback.choose(source, is_token, bos)
        made = cls(chosen.source, bos=bos, eos=eos, stops=chosen.stops)
        made.thinking = made.thinking or thinking_of(is_token)
        return made

    def prompt(self, asked: ChatPrompt, messages: Sequence[Message] | None = None) -> Rendering:
        """Return the prompt of a request, with `messages` in place of its own, and with reasoning
        on or off as it asks; raise InvalidRequest.
        """
        messages = asked.messages if messages is None else messages
        switched = switches(self._variables, asked.reasoning)
        render = partial(
            self.render,
            tools=[_offered(tool) for tool in asked.tools],
            arguments={
                **switched,
                **efforts(self._variables, asked.template_arguments),
                **asked.template_arguments,
            },
        )
        if asked.continue_final_message is not False:
            begun = continued(messages, partial(render, add_generation_prompt=False))
            if begun is not None:
                return Rendering(begun, continues=True)
            if asked.continue_final_message:
                raise _cannot_continue()
        text = render(messages)
        thinking = self.thinking
        # a template with a switch knows best, unless it did not heed it
        if (
            asked.reasoning.enabled is False
            and thinking
            and (thinking.opened(text) or not switched)
        ):
            text = thinking.closed(text)
        return Rendering(text)

    def layout(self, asked: ChatPrompt, prompt: Rendering) -> Layout:
        """Return what the answer to a request, whose prompt was rendered, can hold."""
        choice, separate = asked.tool_choice, asked.reasoning.separate
        offer = Offer.of([] if choice.mode == "none" else asked.tools)
        form, thinking = self.form, self.thinking
        opened = thinking.opened(prompt.text) if thinking else ""
        if prompt.continues:
            # behind its own text a model neither begins an answer nor to reason
            form = replace(form, answer="", before="")
            thinking = thinking if opened and separate else None
        return Layout(
            form,
            offer.only(choice.name) if choice.mode == "named" else offer,
            choice.parallel,
            thinking,
            opened,
            separate,
            asked.reasoning.enabled is not False and asked.reasoning.budget != 0,
        )

    def render(
        self,
        messages: Sequence[Message],
        tools: Tools = (),
        *,
        add_generation_prompt: bool = True,
        arguments: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the prompt; raise InvalidRequest, with the template's own words where it
        refuses.
        """
        if not messages:
            raise InvalidRequest(
                "messages is empty.", hint="Send at least one message.", param="messages"
            )
        if taken := _RESERVED.intersection(arguments or ()):
            raise InvalidRequest(
                f"chat_template_kwargs may not set {min(taken)}.", param="chat_template_kwargs"
            )
        write = partial(
            self._written, messages, tools, arguments or {}, generation=add_generation_prompt
        )
        try:
            return self._whatever_tools(write, tools)
        except Refusal as error:
            raise InvalidRequest(
                f"The model's chat template refuses these messages: {error}", param="messages"
            ) from error
        except FAULTS as error:
            raise InvalidRequest(
                f"The model's chat template cannot render these messages: {_reason(error)}.",
                hint="/v1/completions takes a prompt without the template.",
                param="messages",
            ) from error

    def _whatever_tools(self, write: Callable[[Abilities], str], tools: Tools) -> str:
        try:
            return write(self.abilities)
        except (Refusal, Spent):
            raise
        except FAULTS:
            if not tools or not self.abilities.tools:
                raise
            # some templates break on schemas that their makers did not think of
            return write(msgspec.structs.replace(self.abilities, tools=False))

    def _written(
        self,
        messages: Sequence[Message],
        tools: Tools,
        arguments: Mapping[str, Any],
        abilities: Abilities,
        *,
        generation: bool,
    ) -> str:
        adapted, offered = adapt(messages, tools, abilities, self.form.write)
        if _THINKING in self.source:
            adapted = [_with_thinking(message) for message in adapted]
        if _REASONING in self.source and _USUAL not in self.source:
            # Solar Open has a name of its own for it
            adapted = [{**message, "reasoning": message.get(_USUAL)} for message in adapted]
        given = offered or (None if abilities.absent_tools else [])

        def render(messages: Sequence[Message]) -> str:
            return self._run(messages, given, arguments, STEPS, add_generation_prompt=generation)

        if abilities.keeps_text or not self.form.triggers:
            return render(adapted)
        return with_text(adapted, self.form.triggers[0], render)

    def _probe(self, messages: Sequence[Message], tools: Tools | None) -> str:
        return self._run(messages, tools, {}, _PROBE_STEPS)

    def _run(
        self,
        messages: Sequence[Message],
        tools: Tools | None,
        arguments: Mapping[str, Any],
        steps: int,
        *,
        add_generation_prompt: bool = True,
    ) -> str:
        if self._compiled is None:
            raise jinja2.TemplateError(self._fault)
        variables = {
            "documents": None,
            **self._of_functions(tools),
            **arguments,
            **self._special,
            # copies, for the template may use lists as queues
            "messages": copy.deepcopy(list(messages)),
            "tools": None if tools is None else copy.deepcopy(list(tools)),
            "add_generation_prompt": add_generation_prompt,
        }
        return run(self._compiled, variables, steps)

    def _of_functions(self, tools: Tools | None) -> dict[str, str]:
        """Return tools and date as FireFunction's template wants them, as texts."""
        if not self._variables >= _FUNCTIONS:
            return {}
        return {
            "functions": to_json(list(tools), indent=2) if tools else "",
            "datetime": self._now().strftime("%b %d %Y"),
        }


def _cannot_continue() -> InvalidRequest:
    return InvalidRequest(
        "The last message cannot be continued.",
        hint="It must be the assistant's, with text and without tool calls, and the model's chat"
        " template must show it whole.",
        param="continue_final_message",
    )


def _with_thinking(message: Message) -> Message:
    """Return a call's message with its reasoning under the name that gpt-oss knows; it takes none
    beside content.
    """
    reasoning = message.get("reasoning_content")
    if not reasoning or not message.get("tool_calls") or message.get("content"):
        return message
    return {**message, "thinking": reasoning}


def _offered(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool without what is none of the model's business."""
    function = tool.get("function")
    if not isinstance(function, dict) or "strict" not in function:
        return dict(tool)
    return {**tool, "function": {k: v for k, v in function.items() if k != "strict"}}


def _reason(error: Exception) -> str:
    line = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
    return f"{str(error) or type(error).__name__}{line}".rstrip(".")
