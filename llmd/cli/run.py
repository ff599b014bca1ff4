"""`llmd run` and `llmd generate`: one prompt, one answer on stdout; everything else goes to
stderr.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.errors import ContextOverflow

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PROMPT",
        help="The prompt; `-` stands for standard input. A model's name may come first.",
    ),
]


Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        "-f",
        help="Text file that goes before the prompt; may be given several times.",
        exists=True,
        dir_okay=False,
    ),
]
Images = Annotated[
    list[Path] | None,
    typer.Option(
        "--image",
        "-i",
        help="Picture to look at, for a model that sees; may be given several times.",
        exists=True,
        dir_okay=False,
    ),
]
Schema = Annotated[
    Path | None,
    typer.Option(
        "--schema",
        help="File with a JSON schema: the answer is JSON that keeps it.",
        exists=True,
        dir_okay=False,
    ),
]


def run(
    words: Words = None,
    model: options.Model = None,
    file: Files = None,
    image: Images = None,
    schema: Schema = None,
    system: options.System = None,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    seed: options.Seed = None,
    max_tokens: options.MaxTokens = None,
    stop: options.Stop = None,
    think: options.Think = None,
    overflow: options.Overflow = None,
    adapter: options.Adapters = None,
    no_stream: options.NoStream = False,
    as_json: options.AsJson = False,
    stats: options.Stats = False,
    start: options.AutoStart = True,
) -> None:
    """Answer one prompt; a model's name alone begins a chat in a terminal. No tools are used."""
    from llmd.cli import asking, attachments

    shape = attachments.schema(schema)
    read = attachments.texts(file or [])
    question = asking.question(words or [], model, start=start, read=read, alone=bool(image))
    wishes = asking.body(
        response_format=shape,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        seed=seed,
        max_tokens=max_tokens,
        stop=stop or None,
        context_overflow=overflow,
        adapters=asking.adapters(adapter),
        chat_template_kwargs=None if think is None else {"enable_thinking": think},
    )
    if not (question.prompt or image):
        _talk(question.model, system, wishes, as_json=as_json, start=start)
        return
    said = attachments.content(question.prompt, image or [])
    body = asking.body(model=question.model, messages=_messages(system, said), **wishes)
    _answer(
        question.client, "/v1/chat/completions", body, whole=no_stream, as_json=as_json, stats=stats
    )


def _messages(system: str | None, said: object) -> list[dict[str, Any]]:
    before: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": said}]


def _talk(
    model: str | None, system: str | None, wishes: dict[str, Any], *, as_json: bool, start: bool
) -> None:
    """Begin a chat where a model's name is all that was said, and somebody is there to talk."""
    from llmd.cli import asking
    from llmd.cli.chat import begin

    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise asking.no_prompt(model)
    begin(model, system, wishes, start=start)


def generate(
    words: Words = None,
    model: options.Model = None,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    seed: options.Seed = None,
    max_tokens: options.MaxTokens = None,
    stop: options.Stop = None,
    overflow: options.Overflow = None,
    adapter: options.Adapters = None,
    no_stream: options.NoStream = False,
    as_json: options.AsJson = False,
    stats: options.Stats = False,
    start: options.AutoStart = True,
) -> None:
    """Continue a text as it stands, without a chat template."""
    from llmd.cli import asking

    question = asking.question(words or [], model, start=start)
    if not question.prompt:
        raise asking.no_prompt(question.model)
    body = asking.body(
        model=question.model,
        prompt=question.prompt,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        seed=seed,
        max_tokens=max_tokens,
        stop=stop or None,
        context_overflow=overflow,
        adapters=asking.adapters(adapter),
    )
    _answer(question.client, "/v1/completions", body, whole=no_stream, as_json=as_json, stats=stats)


def _answer(
    client: Any, path: str, body: dict[str, Any], *, whole: bool, as_json: bool, stats: bool
) -> None:
    from llmd.cli import render
    from llmd.cli.answer import BUILT_IN, BUILT_IN_NOTICE, Answer, overflow, statistics, written
    from llmd.cli.loading import show_loading
    from llmd.cli.thoughts import Thoughts, thoughts

    show_loading(client, body.get("model"))
    answer = Answer()
    streams = not (whole or as_json)
    reasoning = thoughts() if streams else Thoughts(None)
    try:
        with client.stream_events(path, body) as stream:
            for chunk in stream:
                added = answer.take(chunk)
                reasoning.feed(answer.thought)
                if streams and added:
                    reasoning.close()
                    written(added)
    except ContextOverflow as error:
        hint = "Shorten it, or have it cut: --overflow truncate."
        raise ContextOverflow(overflow(error), hint=hint) from error
    finally:  # an error or Ctrl-C must not leave the prompt of the shell behind half a line
        reasoning.close()
        if streams and answer.text and not answer.text.endswith("\n"):
            typer.echo()
    if as_json:
        render.print_json(answer.as_dict())
    elif whole:
        written(f"{answer.text}\n")
    for notice in answer.notices():
        render.note(notice)
    if stats:
        render.note(statistics(answer.usage))
    if answer.model == BUILT_IN and (not as_json or sys.stderr.isatty()):
        render.note(BUILT_IN_NOTICE)
