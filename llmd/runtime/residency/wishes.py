"""How a model is loaded, and how somebody wants it loaded: which of the two holds. Pure.

What a user orders (`llmd load --ctx ...`) holds over the manifest, and that over the settings. What
a request wishes never reloads a model: it is heeded where the model must be loaded anyway, and else
the request is answered as the model is, or refused.
"""

from __future__ import annotations

import msgspec

from llmd.errors import InvalidRequest
from llmd.protocol.placement import LoadOptions

LIFETIME = frozenset({"keep_alive", "pinned"})
"""Options that change how long a model stays, not how it is loaded."""

_LEAST = {
    "context_length": 1,
    "parallel": 1,
    "kv_tokens": 1,
    "gpu_layers": -1,
    "cpu_moe": -1,
    "keep_alive": -1,
    "instances": 1,
}
_MOST = {"context_length": 2**31 - 1, "parallel": 256, "instances": 64}
_WORDS = {"kv_type": ("f16", "q8_0", "q4_0"), "flash_attention": ("auto", "on", "off")}


def given(options: LoadOptions) -> dict[str, object]:
    """Return the options that say something."""
    return {
        name: value for name, value in msgspec.structs.asdict(options).items() if value is not None
    }


def merged(*layers: LoadOptions) -> LoadOptions:
    """Return all options together; later layers win."""
    values: dict[str, object] = {}
    for layer in layers:
        values |= given(layer)
    return msgspec.convert(values, LoadOptions)


def checked(options: LoadOptions) -> LoadOptions:
    """Return the options; raise InvalidRequest naming one that cannot be."""
    for name, value in given(options).items():
        if name in _WORDS and value not in _WORDS[name]:
            raise InvalidRequest(
                f"{name} is {value!r}.",
                hint=f"It is one of {', '.join(_WORDS[name])}.",
                param=name,
            )
        low, high = _LEAST.get(name), _MOST.get(name)
        if isinstance(value, int | float) and (
            (low is not None and value < low) or (high is not None and value > high)
        ):
            hint = f"It is at least {low}" + (f" and at most {high}." if high else ".")
            raise InvalidRequest(f"{name} is {value}.", hint=hint, param=name)
    return options


def enlarged(options: LoadOptions, wish: LoadOptions, usual: int, most: int) -> LoadOptions:
    """Return how to load a model that a request is the first to want: as `options` say, but with
    the wishes it can have. `usual` is the context it would get, `most` what it was trained for. A
    smaller context than usual is no wish worth heeding: others would have to live with it.
    """
    heeded = {name: value for name, value in given(wish).items() if name not in LIFETIME}
    wanted = heeded.pop("context_length", None)
    if isinstance(wanted, int) and wanted > (options.context_length or usual):
        heeded["context_length"] = min(wanted, most)
    return merged(options, msgspec.convert(heeded, LoadOptions))


def unmet(wish: LoadOptions, loaded: LoadOptions, most: int) -> list[str]:
    """Return the wishes that only loading anew would fulfil; `loaded` is how the model runs. No
    loading gives a context longer than `most`.
    """
    found = []
    for name, value in given(wish).items():
        if name in LIFETIME or name == "instances":
            continue
        has = getattr(loaded, name)
        if name == "context_length":
            if has is not None and min(wish.context_length or 0, most or has) > has:
                found.append(name)
        elif value != has:
            found.append(name)
    return found


def changes(ordered: LoadOptions, before: LoadOptions) -> list[str]:
    """Return the options of an order that a loaded model was not loaded with."""
    return [
        name
        for name, value in given(ordered).items()
        if name not in LIFETIME and value != getattr(before, name)
    ]
