"""The form that says how a model is to be loaded. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from llmd.config.values import Duration
from llmd.errors import InvalidRequest
from llmd.protocol.placement import LoadOptions

_PLAIN = (
    "context_length",
    "parallel",
    "kv_tokens",
    "kv_type",
    "flash_attention",
    "gpu_layers",
    "prefer_gpu",
    "require_gpu",
    "cpu_moe",
    "mlock",
    "mmap",
    "pinned",
    "instances",
)


class LoadFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields; what was left empty is as the settings say."""

    name: str
    context_length: int | None = None
    parallel: int | None = None
    kv_tokens: int | None = None
    kv_type: Literal["f16", "q8_0", "q4_0"] | None = None
    flash_attention: Literal["auto", "on", "off"] | None = None
    gpu_layers: int | None = None
    prefer_gpu: bool | None = None
    require_gpu: bool | None = None
    tensor_split: str = ""
    cpu_moe: int | None = None
    mlock: bool | None = None
    mmap: bool | None = None
    keep_alive: str = ""
    pinned: bool | None = None
    instances: int | None = None

    @property
    def options(self) -> LoadOptions:
        """Return what the form says; raise InvalidRequest."""
        found = {name: getattr(self, name) for name in _PLAIN}
        return LoadOptions(
            **found, keep_alive=lifetime(self.keep_alive), tensor_split=_shares(self.tensor_split)
        )


def lifetime(text: str) -> float | None:
    """Read how long a model stays when idle; empty: as the settings say; raise InvalidRequest."""
    if not text.strip():
        return None
    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise InvalidRequest(f"keep_alive: {error}.", param="keep_alive") from None


def shown(options: LoadOptions) -> dict[str, str]:
    """Return options as the form shows them; nothing for what was not said."""
    values = {name: getattr(options, name) for name in _PLAIN}
    found = {name: "" if value is None else _word(value) for name, value in values.items()}
    alive, split = options.keep_alive, options.tensor_split
    found["keep_alive"] = "" if alive is None else str(Duration(alive))
    found["tensor_split"] = ",".join(f"{share:g}" for share in split or ())
    return found


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shares(text: str) -> list[float] | None:
    if not text.strip():
        return None
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if not shares or min(shares) < 0 or not any(shares):
        raise InvalidRequest(
            "tensor_split takes numbers with commas between.",
            hint="Such as 3,1.",
            param="tensor_split",
        )
    return shares
