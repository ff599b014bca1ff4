"""A preset as TOML (a file) or JSON (flags): one table with the same keys, checked once. README,
section Presets, shows an example.
"""

from __future__ import annotations

import re
import tomllib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from llmd.config.values import Duration
from llmd.errors import InvalidRequest
from llmd.models.presets.recipe import AdapterWish, Recipe
from llmd.protocol.models import SamplingDefaults, Turn
from llmd.protocol.placement import LoadOptions

LONGEST = 4 * 2**20
"""Characters of a preset's file."""

Share = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Positive = Annotated[int, Meta(ge=1)]
FromMinusOne = Annotated[int, Meta(ge=-1)]

_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>[\w-]+)|\[(?P<index>\d+)\]")
_HEADING = re.compile(r"\s*\[+\s*(?P<name>[^\]]+?)\s*\]+\s*(?:#.*)?")


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Sampling(_Section, frozen=True):
    """SamplingDefaults with the limits that requests have."""

    temperature: Annotated[float, Meta(ge=0, le=5)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    top_p: Share | None = None
    min_p: Share | None = None
    typical_p: Share | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    repeat_last_n: FromMinusOne | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    seed: Annotated[int, Meta(ge=0)] | None = None
    max_tokens: Positive | None = None
    stop: list[Annotated[str, Meta(min_length=1)]] | None = None


class Options(_Section, frozen=True):
    """LoadOptions with their limits."""

    context_length: Positive | None = None
    parallel: Annotated[int, Meta(ge=1, le=256)] | None = None
    kv_tokens: Annotated[int, Meta(ge=0)] | None = None
    kv_type: Literal["f16", "q8_0", "q4_0"] | None = None
    flash_attention: Literal["auto", "on", "off"] | None = None
    gpu_layers: FromMinusOne | None = None
    prefer_gpu: bool | None = None
    require_gpu: bool | None = None
    tensor_split: list[Annotated[float, Meta(ge=0)]] | None = None
    cpu_moe: FromMinusOne | None = None
    mlock: bool | None = None
    mmap: bool | None = None
    keep_alive: Duration | None = None
    pinned: bool | None = None
    instances: Positive | None = None


class Message(_Section, frozen=True):
    """One turn before each conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Table(_Section, frozen=True, rename={"base": "from"}):
    """A whole preset."""

    base: str = ""
    system: str | None = None
    template: str | None = None
    template_file: str | None = None
    draft: str | None = None
    license: str | None = None
    sampling: Sampling = Sampling()
    options: Options = Options()
    adapters: list[AdapterWish] = []
    messages: list[Message] | None = None


def is_toml(text: str) -> bool:
    """Whether a text can be read as TOML at all."""
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def read_toml(text: str) -> Recipe:
    """Read a preset's file; raise InvalidRequest with the line and the reason."""
    if len(text) > LONGEST:
        raise InvalidRequest(f"A preset has at most {LONGEST} characters.", param="file")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"The preset is no TOML: {error}.", param="file") from error
    except RecursionError as error:
        raise InvalidRequest("The preset is nested too deeply.", param="file") from error
    try:
        return recipe(table)
    except msgspec.ValidationError as error:
        path, reason = _split(str(error))
        line = f"line {_line(text, path)}: " if path else ""
        raise InvalidRequest(
            f"The preset cannot be used: {line}{reason}.",
            hint="README, section Presets, shows every key.",
            param="file",
        ) from error


def read_changes(table: dict[str, Any]) -> Recipe:
    """Read what flags or a JSON body say; raise InvalidRequest naming the field."""
    try:
        return recipe(table)
    except msgspec.ValidationError as error:
        path, reason = _split(str(error))
        name = ".".join(map(str, path))
        raise InvalidRequest(f"{name}: {reason}." if name else f"{reason}.", param=name) from error


def recipe(table: dict[str, Any]) -> Recipe:
    """Return what a table means; raise msgspec.ValidationError."""
    found = msgspec.convert(table, Table, dec_hook=_convert)
    if found.template is not None and found.template_file is not None:
        raise msgspec.ValidationError("template and template_file exclude each other")
    return Recipe(
        base=found.base,
        system=found.system,
        template=found.template,
        template_file=found.template_file,
        draft=found.draft,
        license=found.license,
        sampling=SamplingDefaults(**msgspec.structs.asdict(found.sampling)),
        options=_options(found.options),
        adapters=found.adapters,
        messages=None
        if found.messages is None
        else [Turn(message.role, message.content) for message in found.messages],
    )


def _options(options: Options) -> LoadOptions:
    fields = msgspec.structs.asdict(options)
    if options.keep_alive is not None:
        fields["keep_alive"] = float(options.keep_alive)
    return LoadOptions(**fields)


def _convert(kind: type, value: object) -> object:
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)


def _split(message: str) -> tuple[list[str | int], str]:
    """Tell msgspec's path and its reason apart; an unknown key is part of the path."""
    found = _AT.search(message)
    reason = message[: found.start()] if found else message
    path: list[str | int] = [
        step["key"] or int(step["index"]) for step in _STEP.finditer(found["path"] if found else "")
    ]
    unknown = re.fullmatch(r"Object contains unknown field `(.+)`", reason)
    if unknown:
        return [*path, unknown[1]], f"there is no key {unknown[1]}"
    missing = re.fullmatch(r"Object missing required field `(.+)`", reason)
    return path, f"{missing[1]} is missing" if missing else reason


def _line(text: str, path: list[str | int]) -> int:
    """Return the line (from 1) where a path of keys stands, as near as a search by eye gets."""
    names = [step for step in path if isinstance(step, str)]
    wanted = next((step for step in path if isinstance(step, int)), 0)
    section = names[0]
    key = names[-1]
    current, seen, best = "", -1, 1
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _HEADING.fullmatch(line):
            current = heading["name"].strip("\"' ")
            seen += current == section
            best = number if current == section and seen <= wanted else best
        inside = not current if len(names) == 1 else current == section and seen == wanted
        if inside and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line):
            return number
    return best
