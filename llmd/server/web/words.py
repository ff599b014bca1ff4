"""What the pages say, in English and Chinese: languages/ has a folder for each, with a TOML file
for each part of the site.

Names are dotted (`chat.send`); figures stand in braces (`{count}`), as in `str.format`. A test sees
to it that all languages have the same names with the same figures. What settings are for
(`about.server.port`, `about.section.server`) is said in English where they are defined.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmd.config.description import notes

LANGUAGES = {"en": "English", "zh": "中文"}
"""Codes as in BCP 47, and what each language calls itself."""

_FILES = Path(__file__).with_name("languages")
_DEFAULT = "en"
_ACCEPTED = 20
"""Languages that are looked at; nobody speaks more."""
_QUALITY = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", re.ASCII | re.IGNORECASE)


class Words:
    """One language."""

    def __init__(self, language: str, words: Mapping[str, str]) -> None:
        self.language = language
        self._words = words

    def __call__(self, name: str, /, **figures: object) -> str:
        """Return what is said, with the figures in their places; raise KeyError for an unknown
        name.
        """
        words = self._words[name]
        return words.format(**figures) if figures else words

    def below(self, *parts: str) -> dict[str, str]:
        """Return all that scripts of a page say: what stands under these parts, by full name."""
        wanted = tuple(f"{part}." for part in parts)
        return {name: words for name, words in self._words.items() if name.startswith(wanted)}


def load() -> dict[str, Words]:
    """Read all languages from the disk."""
    return {language: Words(language, _read(language)) for language in LANGUAGES}


def choose(wanted: str, accepted: str) -> str:
    """Return a language: the chosen one, or the one that `Accept-Language` wants most."""
    if wanted in LANGUAGES:
        return wanted
    found = {"": 0.0}
    for part in accepted.split(",")[:_ACCEPTED]:
        name, _, weight = part.partition(";")
        code = name.strip().lower().partition("-")[0]
        if code in LANGUAGES:
            found.setdefault(code, _weight(weight))
    return max(found, key=found.__getitem__) or _DEFAULT


def _weight(text: str) -> float:
    """Return how much a language is wanted (RFC 9110, 12.4.2), not at all if that is unreadable."""
    match = _QUALITY.fullmatch(text)
    return float(match[1]) if match else float(not text.strip())


def _read(language: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for file in sorted((_FILES / language).glob("*.toml")):
        words.update(_flat(tomllib.loads(file.read_text(encoding="utf-8")), ""))
    return words | _abouts() if language == _DEFAULT else words


def _abouts() -> dict[str, str]:
    return {
        f"about.{name}" if "." in name else f"about.section.{name}": text
        for name, text in notes().items()
    }


def _flat(tree: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, str(value)))
    return found
