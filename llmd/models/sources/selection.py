"""Chooses which GGUF files of a repository make up the model that is wanted. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llmd.errors import ModelNotFound
from llmd.models import projectors, safetensors
from llmd.models.names import near_misses

# what people mean who name no quantisation: the best size for the quality first, then the nearest
# ones
_PREFERENCE = [
    "Q4_K_M",
    "Q4_0",
    "Q4_K_S",
    "Q4_K_L",
    "Q4_K_XL",
    "UD-Q4_K_XL",
    "MXFP4",
    "IQ4_XS",
    "IQ4_NL",
    "Q5_K_M",
    "Q5_K_S",
    "Q5_0",
    "Q6_K",
    "Q8_0",
    "Q3_K_M",
    "Q3_K_L",
    "F16",
    "BF16",
    "F32",
]
_LABEL = re.compile(
    r"(?:^|[-._/])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|T?Q\d_\d|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32))(?=$|[-._/])",
    re.IGNORECASE,
)
_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
# projectors, statistics, and heads that only draft for the model beside them
_NO_MODEL = re.compile(
    r"(?:^|[-._/])(?:mmproj|imatrix)(?:$|[-._/])|(?:^|/)(?:mtp|eagle3|dflash)-", re.IGNORECASE
)
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repository."""

    name: str
    size: int
    sha256: str = ""
    """Of its content; empty when the hub does not say."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One model of a repository."""

    label: str
    """Its quantisation in capitals, as far as the file name tells; else empty."""
    files: tuple[RemoteFile, ...]
    """All parts in order."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The choice, and the shortest selector that leads to it again."""

    choice: Choice
    selector: str
    projector: RemoteFile | None = None
    """The mmproj file that goes with it, where the repository has one."""


def choices(files: Sequence[RemoteFile]) -> list[Choice]:
    """Group the GGUF files of a repository into models."""
    # some repositories hold a model whole and in parts: these are two choices
    groups: dict[tuple[str, str], list[RemoteFile]] = {}
    for file in sorted(files, key=lambda file: file.name):
        stem = _stem(file.name)
        if stem and not _NO_MODEL.search(stem):
            part = _PART.search(stem)
            key = (_PART.sub("", stem), part[2] if part else "")
            groups.setdefault(key, []).append(file)
    return [
        Choice(_label(stem), tuple(group))
        for (stem, _), group in groups.items()
        if _complete(group)
    ]


def select(repo: str, files: Sequence[RemoteFile], selector: str) -> Selected:
    """Pick by quantisation (case ignored), by file name, or (empty selector) the best; raise
    ModelNotFound.
    """
    found = choices(files)
    if not found:
        safetensors.check_repository(repo, (file.name for file in files))
        raise ModelNotFound(
            f"{repo} has no GGUF model.",
            hint="Look for a repository whose name ends in GGUF.",
            param="name",
        )
    chosen = _by_name(found, selector) if selector else _best(found)
    if chosen is None:
        raise _absent(repo, found, selector)
    return Selected(chosen, _selector(found, chosen), _companion(chosen, files))


def selectors(files: Sequence[RemoteFile]) -> dict[str, str]:
    """Return the shortest selector of each model of a repository, by its first file's name."""
    found = choices(files)
    return {choice.files[0].name: _selector(found, choice) for choice in found}


def _selector(found: list[Choice], chosen: Choice) -> str:
    unambiguous = chosen.label and _by_name(found, chosen.label) is chosen
    return chosen.label if unambiguous else chosen.files[0].name


def _companion(chosen: Choice, files: Sequence[RemoteFile]) -> RemoteFile | None:
    """Return the projector of a choice: by its name, else the one that serves all models here."""
    by_name = {file.name: file for file in files}
    names = projectors.ranked(chosen.files[0].name, list(by_name)) or projectors.only_family(
        list(by_name)
    )
    return by_name[names[0]] if names else None


def _stem(name: str) -> str:
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else ""


def _label(stem: str) -> str:
    found = _LABEL.findall(stem)
    label = found[-1].upper() if found else ""
    return {"FP16": "F16", "FP32": "F32"}.get(label, label)


def _complete(group: list[RemoteFile]) -> bool:
    part = _PART.search(_stem(group[0].name))
    return part is None or len(group) == int(part[2])


def _best(found: list[Choice]) -> Choice:
    def rank(choice: Choice) -> tuple[int, int]:
        order = _PREFERENCE.index(choice.label) if choice.label in _PREFERENCE else len(_PREFERENCE)
        return order, sum(file.size for file in choice.files)

    return min(found, key=rank)


def _by_name(found: list[Choice], selector: str) -> Choice | None:
    wanted = selector.lower()
    for choice in found:
        if any(
            wanted in {file.name.lower(), file.name.rpartition("/")[2].lower()}
            for file in choice.files
        ):
            return choice
    same = [choice for choice in found if choice.label.lower() == wanted]
    # the plainest of several with one label, such as a model beside its -it or -v2 variant
    return min(same, key=lambda choice: len(choice.files[0].name), default=None)


def _absent(repo: str, found: list[Choice], selector: str) -> ModelNotFound:
    offered = [choice.label or choice.files[0].name for choice in found]
    near = near_misses(selector, offered, limit=1)
    listed = ", ".join(offered[:_SHOWN]) + (" and more" if len(offered) > _SHOWN else "")
    hint = f"It has: {listed}." + (f" Did you mean {near[0]}?" if near else "")
    return ModelNotFound(f"{repo} has no {selector}.", hint=hint, param="name", offered=offered)
