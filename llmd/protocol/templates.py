"""What the daemon and the process that tries chat templates say to each other."""

from __future__ import annotations

import msgspec


class Trial(msgspec.Struct, frozen=True):
    """A template that is tried."""

    template: str
    """Jinja source."""
    own: str = ""
    """The model's own template, to compare with."""
    bos: str = "<s>"
    eos: str = "</s>"


class Verdict(msgspec.Struct, frozen=True):
    """How it went."""

    fault: str = ""
    """What the template does that makes it useless; empty: it can be used."""
    same: bool = False
    """Whether it writes conversations as the model's own template does."""
