"""What an Ollama model's parameters mean here, pure: sampling, and the context it is loaded with.

The names are those of Ollama's Modelfile reference (PARAMETER). Parameters that speak of the
machine, such as num_gpu, are left out: their author cannot know this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from llmd.models.presets.tables import Options, Sampling
from llmd.protocol.models import SamplingDefaults
from llmd.protocol.placement import LoadOptions

_SAMPLING = {
    **{name: name for name in SamplingDefaults.__struct_fields__ if name != "max_tokens"},
    "num_predict": "max_tokens",
}
_LOADING = {"num_ctx": "context_length"}
# below these Ollama means "no limit" or "any", which is what leaving them out means here
_LEAST = {"num_predict": 1, "num_ctx": 1, "seed": 0}


@dataclass(frozen=True, slots=True)
class Parameters:
    """A model's parameters in llmd's words."""

    sampling: SamplingDefaults = field(default_factory=SamplingDefaults)
    options: LoadOptions = field(default_factory=LoadOptions)
    left_out: tuple[str, ...] = ()
    """Names that llmd does not keep for a model, or whose values make no sense."""


def translate(values: dict[str, Any]) -> Parameters:
    """Translate parameters by their names."""
    sampling: dict[str, Any] = {}
    options: dict[str, Any] = {}
    left_out = []
    for name, value in values.items():
        if _unlimited(name, value):
            continue
        as_sampling = _converted(Sampling, _SAMPLING.get(name), _listed(name, value))
        as_option = _converted(Options, _LOADING.get(name), value)
        sampling.update(as_sampling)
        options.update(as_option)
        if not as_sampling and not as_option:
            left_out.append(name)
    return Parameters(SamplingDefaults(**sampling), LoadOptions(**options), tuple(left_out))


def read(data: bytes) -> Parameters:
    """Translate the `params` layer of a model; what is no object of parameters is left out."""
    try:
        return translate(msgspec.json.decode(data, type=dict[str, Any]))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return Parameters(left_out=("params",))


def _unlimited(name: str, value: object) -> bool:
    return name in _LEAST and isinstance(value, int | float) and value < _LEAST[name]


def _listed(name: str, value: object) -> object:
    """Return stops without the empty ones, which would end every answer at once."""
    if name != "stop":
        return value
    stops = [value] if isinstance(value, str) else value
    return [stop for stop in stops if stop] if isinstance(stops, list) else stops


def _converted(kind: type[Sampling | Options], field: str | None, value: object) -> dict[str, Any]:
    """Return the field with the value as its type has it, or nothing if that is beyond the limits
    that presets have.
    """
    if field is None or value is None:
        return {}
    try:
        return {field: getattr(msgspec.convert({field: value}, kind, strict=False), field)}
    except msgspec.ValidationError:
        return {}
