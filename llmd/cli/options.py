"""Arguments and options that several commands share, declared once."""

from enum import StrEnum
from typing import Annotated

import typer

from llmd.cli.completing.kinds import Kind


class OverflowChoice(StrEnum):
    """What happens to a prompt that does not fit."""

    ERROR = "error"
    TRUNCATE = "truncate"
    SHIFT = "shift"


class PoolingChoice(StrEnum):
    """How an embedding model makes one vector of a text."""

    MEAN = "mean"
    CLS = "cls"
    LAST = "last"
    RANK = "rank"


AutoStart = Annotated[
    bool,
    typer.Option("--start/--no-start", help="Start the daemon if need be.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask in a terminal.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Model to ask; default: the current default.",
        autocompletion=Kind.MODELS.names,
    ),
]
ModelName = Annotated[
    str, typer.Argument(help="Name of the model.", autocompletion=Kind.MODELS.names)
]
OptionalLoadedName = Annotated[
    str | None,
    typer.Argument(
        help="Name of the model; default: the current default.", autocompletion=Kind.LOADED.names
    ),
]
OptionalModelName = Annotated[
    str | None,
    typer.Argument(
        help="Name of the model; default: the current default.", autocompletion=Kind.MODELS.names
    ),
]

System = Annotated[str | None, typer.Option("--system", "-s", help="System message.")]
NoStream = Annotated[
    bool, typer.Option("--no-stream", help="Print the answer when it is complete.")
]
Temperature = Annotated[
    float | None, typer.Option("--temperature", "-t", min=0, max=5, help="0 is greedy.")
]
TopK = Annotated[
    int | None, typer.Option("--top-k", min=0, help="Keep the K most likely tokens; 0: off.")
]
TopP = Annotated[
    float | None,
    typer.Option("--top-p", min=0, max=1, help="Keep tokens that reach this probability."),
]
MinP = Annotated[
    float | None,
    typer.Option("--min-p", min=0, max=1, help="Drop tokens below this share of the best."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Makes the answer repeatable.")]
MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", "-n", min=1, help="Longest answer, in tokens.")
]
Stop = Annotated[
    list[str] | None,
    typer.Option("--stop", help="End before this text; may be given several times."),
]
Think = Annotated[
    bool | None,
    typer.Option("--think/--no-think", help="Let a model that can think before it answers."),
]
Overflow = Annotated[
    OverflowChoice | None,
    typer.Option(
        "--overflow",
        help="If the prompt is too long: refuse it, cut it, or also forget the oldest text.",
    ),
]
Adapters = Annotated[
    list[str] | None,
    typer.Option(
        "--adapter",
        metavar="NAME[=SCALE]",
        help="Answer with this LoRA adapter of the model; may be given several times.",
        autocompletion=Kind.ADAPTERS.names,
    ),
]
Session = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar="NAME",
        help="Go on with this kept conversation (an id or a title), or begin it.",
        autocompletion=Kind.SESSIONS.names,
    ),
]
Keep = Annotated[
    bool,
    typer.Option(
        "--keep/--no-keep",
        help="Keep what is said on a terminal, see `llmd sessions`.",
        show_default=False,
    ),
]
Stats = Annotated[bool, typer.Option("--stats", help="Show tokens and speed on stderr.")]
