"""`llmd create`: a model of its own name over another's files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from llmd.cli import options
from llmd.cli.completing.kinds import Kind

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAMPLING = (
    *("temperature", "top_k", "top_p", "min_p", "repeat_penalty"),
    *("seed", "max_tokens", "stop"),
)
_OPTIONS = ("context_length", "parallel", "kv_type", "gpu_layers", "keep_alive")


Base = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Model, or path of a GGUF file, that it is made from.",
        autocompletion=Kind.MODELS.names,
    ),
]
File = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="A preset (TOML) or an Ollama Modelfile; `-`: stdin."),
]
Template = Annotated[
    Path | None, typer.Option("--template", help="File with a chat template in Jinja.", exists=True)
]
Context = Annotated[int | None, typer.Option("--ctx", min=1, help="Tokens one sequence may hold.")]
Parallel = Annotated[
    int | None, typer.Option("--parallel", min=1, help="Sequences that decode together.")
]
KvType = Annotated[
    str | None, typer.Option("--kv-type", help="Type of its KV cache: f16, q8_0 or q4_0.")
]
GpuLayers = Annotated[
    int | None, typer.Option("--gpu-layers", min=-1, help="Layers to offload; -1: all.")
]
KeepAlive = Annotated[
    str | None,
    typer.Option("--keep-alive", help="Unload it after this time without use; -1: never."),
]
Draft = Annotated[
    str | None,
    typer.Option(
        "--draft",
        help="Registered model that drafts for it.",
        autocompletion=Kind.MODELS.names,
    ),
]
AdapterFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--adapter",
        metavar="FILE[=SCALE]",
        help="LoRA adapter it runs with; may be given several times.",
    ),
]
RepeatPenalty = Annotated[
    float | None, typer.Option("--repeat-penalty", min=0, help="Against repetition; 1: off.")
]


def create(
    name: Annotated[str, typer.Argument(help="Name to give it.")],
    base: Base = None,
    file: File = None,
    system: options.System = None,
    template: Template = None,
    context_length: Context = None,
    parallel: Parallel = None,
    kv_type: KvType = None,
    gpu_layers: GpuLayers = None,
    keep_alive: KeepAlive = None,
    draft: Draft = None,
    adapter: AdapterFiles = None,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    repeat_penalty: RepeatPenalty = None,
    seed: options.Seed = None,
    max_tokens: options.MaxTokens = None,
    stop: options.Stop = None,
    as_json: options.AsJson = False,
    start: options.AutoStart = True,
) -> None:
    """Make a preset: another model's files with a system prompt, sampling or options of its own."""
    given = dict(locals())
    changes = {
        "from": _base(base),
        "system": system,
        "template_file": str(template.absolute()) if template else None,
        "draft": draft,
        "sampling": _said({key: given[key] for key in _SAMPLING}),
        "options": _said({key: given[key] for key in _OPTIONS}),
        "adapters": [_adapter(text) for text in adapter or []],
    }
    order: dict[str, Any] = {"name": name, "changes": _said(changes)}
    if file:
        order |= {"text": _text(file), "directory": str(file.absolute().parent)}
    _make(order, as_json=as_json, start=start)


def _make(order: dict[str, Any], *, as_json: bool, start: bool) -> None:
    from llmd.cli import render
    from llmd.cli.connect import client

    answer = client(start=start).post("/control/models/create", order)
    if as_json:
        render.print_json(answer)
        return
    for note in answer["notes"]:
        render.note(note)
    model = answer["model"]
    typer.echo(f"created {model['name']} from {model['preset']['base']}")


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, [], {})}


def _base(base: str | None) -> str | None:
    """Return a path as it is seen from anywhere, and a model's name as it is."""
    if base is None or not (base.startswith((".", "/", "~")) or base.lower().endswith(".gguf")):
        return base
    return base if ":" in base else str(Path(base).expanduser().absolute())


def _adapter(text: str) -> dict[str, Any]:
    path, equals, scale = text.rpartition("=")
    try:
        wish = {"path": path, "scale": float(scale)} if equals else {"path": text}
    except ValueError:
        wish = {"path": text}
    return {**wish, "path": str(Path(str(wish["path"])).expanduser().absolute())}


def _text(file: Path) -> str:
    """Return a file as text, UTF-8 or what its first bytes say."""
    import sys

    from llmd.errors import InvalidRequest

    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"{file} is not UTF-8.", hint="Save it as UTF-8.", param="file"
        ) from error
