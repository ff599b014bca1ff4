"""Which file answers for a model in a given quantisation: one that is here, else one that can be
fetched, else one that can be made. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmd.errors import InvalidRequest, LlmdError, ModelNotFound
from llmd.models.catalog import Catalogue, Entry
from llmd.models.names import HubReference, ModelScopeReference, looks_like_quantization, parse
from llmd.models.quantization import FileType, bits_of, find, known, refusal, stem_of
from llmd.protocol.models import ModelManifest

# what the source of a fetched model begins with, and what its repository is pulled with
_SITES = {"hf://": "", "modelscope://": "modelscope://"}


@dataclass(frozen=True, slots=True)
class Present:
    """It is here."""

    model: ModelManifest


@dataclass(frozen=True, slots=True)
class Pull:
    """It may be fetched under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Derive:
    """It can be quantised from a model that is here."""

    source: ModelManifest
    kind: FileType


Step = Present | Pull | Derive


def label_of(text: str) -> str:
    """Return a quantisation as files are labelled; raise InvalidRequest for what is none."""
    if kind := known(text):
        return kind.name
    if looks_like_quantization(text):
        return text.upper()
    return find(text).name


def steps(
    name: str,
    quantization: str,
    models: Sequence[ModelManifest],
    catalogue: Catalogue,
    *,
    may_quantize: bool,
) -> list[Step]:
    """Return the ways to a model in a quantisation (empty: the usual one), to be tried in order;
    `models` are the registered ones whose files are there.

    Raises InvalidRequest for a quantisation that is none, ModelNotFound when there is no way, with
    a list of what exists.
    """
    family = _family(name, catalogue)
    here = [model for model in models if _belongs(model, family.names)]
    if not quantization:
        return _usual(name, here, family)
    label = label_of(quantization)
    repo = family.repo or next(filter(None, map(_repository, here)), "")
    kin = [model for model in models if repo and _repository(model) == repo]
    if found := [model for model in (*here, *kin) if _has(model, label)]:
        return [Present(min(found, key=lambda model: not _named(model, label)))]
    likely, unlikely = _pulls(family.entry, repo, label)
    derived = _derivations(here, label) if may_quantize else []
    ways = [*likely, *derived, *unlikely]
    if not ways:
        raise missing(name, quantization, models, catalogue, may_quantize=may_quantize)
    return ways


def missing(
    name: str,
    quantization: str,
    models: Sequence[ModelManifest],
    catalogue: Catalogue,
    *,
    may_quantize: bool,
) -> ModelNotFound:
    """Return the error that lists what exists, and says why nothing better can be made of it."""
    family = _family(name, catalogue)
    label = label_of(quantization) if quantization else ""
    here = [model for model in models if _belongs(model, family.names)]
    offered = sorted(family.entry.quantizations, key=bits_of) if family.entry else []
    parts = []
    if here:
        listed = ", ".join(f"{model.name} ({model.quantization})" for model in here)
        parts.append(f"Here are: {listed}.")
    if offered:
        parts.append(f"The catalogue has: {', '.join(offered)}.")
    if here and label:
        parts.append(_why_not_made(here, label, may_quantize=may_quantize))
    return ModelNotFound(
        f"There is no {stem_of(name)[:200]}{f' as {label}' if label else ''}.",
        hint=" ".join(part for part in parts if part)
        or "`llmd ls` lists the models that are here, `llmd search` more.",
        param="quantization" if here else "model",
        present=[model.name for model in here],
        offered=offered,
    )


@dataclass(frozen=True, slots=True)
class _Family:
    """What a name may stand for, whatever the quantisation."""

    names: frozenset[str]
    """Names of its variants begin so, case folded."""
    entry: Entry | None
    repo: str
    """Repository that the name itself gives, as it is pulled; empty: none."""


def _family(name: str, catalogue: Catalogue) -> _Family:
    entry = catalogue.find(name) or catalogue.find(stem_of(name))
    names = {stem_of(name).casefold(), name.casefold()}
    if entry:
        names.add(entry.alias)
    repo = ""
    try:
        reference = parse(name)
    except LlmdError:  # a name of the user's own
        reference = None
    if isinstance(reference, HubReference | ModelScopeReference):
        names.add(reference.repo.casefold())
        site = "modelscope://" if isinstance(reference, ModelScopeReference) else "hf://"
        repo = _SITES[site] + reference.repo
    return _Family(frozenset(names), entry, repo)


def _belongs(model: ModelManifest, names: frozenset[str]) -> bool:
    return model.name.casefold() in names or stem_of(model.name).casefold() in names


def _usual(name: str, here: Sequence[ModelManifest], family: _Family) -> list[Step]:
    exact = [model for model in here if model.name.casefold() == name.casefold()]
    if exact or here:
        return [Present((exact or list(here))[0])]
    if family.entry or family.repo:
        return [Pull(name)]
    raise ModelNotFound(
        f"There is no model {name[:200]}.",
        hint="`llmd ls` lists the models that are here, `llmd search` more.",
        param="model",
    )


def _named(model: ModelManifest, label: str) -> bool:
    return model.name.casefold().endswith(f":{label.casefold()}")


def _has(model: ModelManifest, label: str) -> bool:
    kind = known(model.quantization)
    return _named(model, label) or (kind.name if kind else model.quantization.upper()) == label


def _pulls(entry: Entry | None, repo: str, label: str) -> tuple[list[Step], list[Step]]:
    """Return what is known to be there to be fetched, and what may be."""
    if entry:
        step: list[Step] = [Pull(f"{entry.alias}:{label}")]
        listed = label in entry.quantizations or not entry.quantizations
        return (step, []) if listed else ([], step)
    return ([Pull(f"{repo}:{label}")], []) if repo else ([], [])


def _repository(model: ModelManifest) -> str:
    """Return the repository that a model came from, as it is pulled; one that was made from another
    is not there in any quantisation.
    """
    site = next((site for site in _SITES if model.source.startswith(site)), None)
    if site is None or model.preset.base:
        return ""
    return _SITES[site] + "/".join(model.source.removeprefix(site).split("/")[:2])


def _derivations(here: Sequence[ModelManifest], label: str) -> list[Step]:
    kind = known(label)
    if kind is None or kind.needs_imatrix:
        return []
    good = [model for model in here if not refusal(model, kind)]
    return [Derive(max(good, key=lambda model: bits_of(model.quantization)), kind)] if good else []


def _why_not_made(here: Sequence[ModelManifest], label: str, *, may_quantize: bool) -> str:
    kind = known(label)
    if kind is None:
        return ""
    if kind.needs_imatrix:
        return f"{label} cannot be made without an importance matrix: llmd quantize --imatrix."
    if not may_quantize:
        return "Quantising on load is switched off (models.quantize)."
    best = max(here, key=lambda model: bits_of(model.quantization))
    return refusal(best, kind)


def check_quantization(text: str | None) -> str:
    """Return what a caller asked for in one word, empty for nothing; raise InvalidRequest."""
    if text is None or not text.strip():
        return ""
    try:
        return label_of(text.strip())
    except InvalidRequest as error:
        raise InvalidRequest(
            error.message, hint=error.hint, param="quantization", **error.details
        ) from None
