"""What a preset shall be: collected from a file and flags, then laid upon a model's manifest."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from llmd.errors import InvalidRequest
from llmd.protocol.models import (
    AdapterFile,
    Kind,
    ModelManifest,
    Preset,
    SamplingDefaults,
    Turn,
)
from llmd.protocol.placement import LoadOptions

Said = TypeVar("Said", SamplingDefaults, LoadOptions)

ROLES = ("system", "user", "assistant")


class AdapterWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A LoRA file that a preset runs with."""

    path: str
    name: str | None = None
    scale: Annotated[float, Meta(ge=-100, le=100)] = 1.0
    default: bool = True


class GoTemplate(msgspec.Struct, frozen=True):
    """A chat template in Go's template language, and the line it begins at."""

    source: str
    line: int


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What to make; None: as the base has it. Paths are absolute, or relative to `directory`."""

    base: str = ""
    """A registered model or the path of a file."""
    projector: str | None = None
    system: str | None = None
    template: str | None = None
    """Jinja source."""
    template_file: str | None = None
    """Path of the Jinja source."""
    go_template: GoTemplate | None = None
    messages: list[Turn] | None = None
    license: str | None = None
    draft: str | None = None
    sampling: SamplingDefaults = SamplingDefaults()
    options: LoadOptions = LoadOptions()
    adapters: list[AdapterWish] = []
    directory: str = ""
    notes: list[str] = []
    """What was left out, and why."""


def overlaid(lower: Said, upper: Said) -> Said:
    """Return `lower` with every field that `upper` says something about."""
    said = {
        name: value
        for name in upper.__struct_fields__
        if (value := getattr(upper, name)) is not None
    }
    return msgspec.structs.replace(lower, **said)


def merged(lower: Recipe, upper: Recipe) -> Recipe:
    """Return one recipe out of two; `upper` wins, adapters of both count."""
    template = upper.template is not None or upper.template_file is not None
    plain = {
        name: getattr(upper, name)
        for name in ("projector", "system", "messages", "license", "draft")
        if getattr(upper, name) is not None
    }
    if template:
        plain |= {"template": upper.template, "template_file": upper.template_file}
    return msgspec.structs.replace(
        lower,
        **plain,
        base=upper.base or lower.base,
        go_template=None if template else upper.go_template or lower.go_template,
        sampling=overlaid(lower.sampling, upper.sampling),
        options=overlaid(lower.options, upper.options),
        adapters=[*lower.adapters, *upper.adapters],
        directory=lower.directory or upper.directory,
        notes=[*lower.notes, *upper.notes],
    )


def applied(model: ModelManifest, recipe: Recipe, adapters: list[AdapterFile]) -> ModelManifest:
    """Return a model's manifest as the recipe, whose template is Jinja by now, wants it.

    `adapters` are the recipe's, described; one named as one of the model's takes its place. Raises
    InvalidRequest where a model that holds no conversations is given what only those have.
    """
    _check_kind(model, recipe)
    earlier = model.preset
    new = {adapter.name for adapter in adapters}
    preset = Preset(
        base=model.name,
        system=_either(recipe.system, earlier.system),
        template=_either(recipe.template, earlier.template),
        messages=earlier.messages if recipe.messages is None else recipe.messages,
        license=_either(recipe.license, earlier.license),
        sampling=overlaid(earlier.sampling, recipe.sampling),
    )
    return msgspec.structs.replace(
        model,
        preset=preset,
        options=overlaid(model.options, recipe.options),
        draft=_either(recipe.draft, model.draft),
        adapters=[*(old for old in model.adapters if old.name not in new), *adapters],
        has_chat_template=model.has_chat_template or bool(preset.template),
    )


def _either(wish: str | None, otherwise: str) -> str:
    return otherwise if wish is None else wish


def _check_kind(model: ModelManifest, recipe: Recipe) -> None:
    if model.kind is Kind.CHAT:
        return
    chatty = {
        "system": recipe.system,
        "template": recipe.template,
        "messages": recipe.messages,
        "draft": recipe.draft,
        "sampling": recipe.sampling != SamplingDefaults(),
    }
    for name, value in chatty.items():
        if value:
            raise InvalidRequest(
                f"{model.name} holds no conversations (it is for {model.kind.value}); "
                f"{name} means nothing to it.",
                hint="Leave it out; load options and the context can be set.",
                param=name,
            )
