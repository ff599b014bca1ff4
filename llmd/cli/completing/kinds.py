"""Marks for `autocompletion=`, as `Kind.MODELS.names`: what the values of an option or argument
are.
"""

from enum import StrEnum


class Kind(StrEnum):
    """Whose names; names.py knows how to find each."""

    MODELS = "models"
    """Installed."""
    LOADED = "loaded"
    CATALOGUE = "catalogue"
    """To be pulled."""
    ANY_MODEL = "any_model"
    """Installed, of the catalogue, or a file."""
    ADAPTERS = "adapters"
    SESSIONS = "sessions"
    REQUESTS = "requests"
    USERS = "users"
    KEYS = "keys"
    SETTINGS = "settings"
    VALUES = "values"
    """Of the setting named before."""
    TYPES = "types"
    """Quantisations."""
    FILES = "files"

    def names(self, incomplete: str) -> list[str]:  # noqa: ARG002  Typer's signature
        """Offer nothing: Typer wants a method, but the table is what shells ask."""
        return []
