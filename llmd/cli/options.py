"""Arguments and options that several commands share, declared once."""

from enum import StrEnum
from typing import Annotated

import typer


def installed_models(incomplete: str) -> list[str]:
    """Complete a model's name for the shell; silent, and never starts the daemon."""
    from llmd.cli.connect import client
    from llmd.errors import LlmdError

    try:
        names = [model["name"] for model in client(start=False).get("/control/models")["models"]]
    except (LlmdError, KeyError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def fetchable_models(incomplete: str) -> list[str]:
    """Complete a name that could be pulled for the shell, from the catalogue alone; variants only
    when their entry's name is there already.
    """
    from llmd.config.paths import find_paths
    from llmd.models.catalog import Catalogue, variant_names

    entries = Catalogue(find_paths().catalog_file).entries()
    start = incomplete.casefold()
    names = [alias for alias in entries if alias.startswith(start)]
    if entry := entries.get(start.partition(":")[0]):
        variants = (name for name, _, _ in variant_names(entry) if ":" in name)
        names += [name for name in variants if name.casefold().startswith(start)]
    return names


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
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Model to ask; default: the current default.",
        autocompletion=installed_models,
    ),
]
ModelName = Annotated[
    str, typer.Argument(help="Name of the model.", autocompletion=installed_models)
]
OptionalModelName = Annotated[
    str | None,
    typer.Argument(
        help="Name of the model; default: the current default.", autocompletion=installed_models
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
    ),
]
Stats = Annotated[bool, typer.Option("--stats", help="Show tokens and speed on stderr.")]
