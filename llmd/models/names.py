"""The grammar of model names, pure.

    alias[:QUANT]                      an entry of the catalogue
    OWNER/REPO[:QUANT | :FILE.gguf]    a repository on the Hugging Face hub; also as hf://OWNER/REPO,
                                       hf.co/OWNER/REPO and as the address of its web page
    a path                             begins with / ./ ../ ~ or file://, or ends in .gguf

A registered model's own name is free within `check_name`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from llmd.errors import InvalidRequest

_WORD = r"\w[\w.+@-]*"
_NAME = re.compile(rf"{_WORD}(?:[/:]{_WORD})*")
_REPO = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:[:/](?P<selector>.+))?", re.ASCII
)
_ALIAS = re.compile(r"(?P<alias>[A-Za-z0-9][\w.-]*)(?::(?P<selector>[\w.-]+))?", re.ASCII)
_SELECTOR = re.compile(r"[\w.+@-]+(?:/[\w.+@-]+)*", re.ASCII)
_HUB_PREFIXES = (
    "hf://",
    "https://huggingface.co/",
    "https://hf.co/",
    "huggingface.co/",
    "hf.co/",
    "hf:",
)
_WEB_DETOURS = re.compile(r"/(?:blob|resolve|tree)/main(?:/|$)")
_PATH_STARTS = ("/", "./", "../", "~", "file://")
_RESERVED = frozenset({"default"})
# the percent-encoded name plus ".json" must fit a file name of 255 bytes
_LONGEST_ENCODED = 240
# letters from which on a part of a name tells anything: shorter ones are in nearly all names
_TELLING = 3


@dataclass(frozen=True, slots=True)
class AliasReference:
    """An entry of the catalogue, perhaps in another quantisation than its default one."""

    alias: str
    quantization: str = ""


@dataclass(frozen=True, slots=True)
class HubReference:
    """A repository and what to take of it: a quantisation, a file, or (empty) the best of what
    there is.
    """

    repo: str
    selector: str = ""


@dataclass(frozen=True, slots=True)
class PathReference:
    """A file on this machine."""

    path: Path


Reference = AliasReference | HubReference | PathReference


def expanded(path: Path) -> Path:
    """Return the path with a leading ~ resolved, where that means somebody's home."""
    try:
        return path.expanduser()
    except RuntimeError:  # ~somebody who has no home; such a file will not be found either
        return path


def parse(text: str) -> Reference:
    """Read what a person typed; raise InvalidRequest when it is none of the forms."""
    for prefix in _HUB_PREFIXES:
        if text.startswith(prefix):
            return _hub(text, text.removeprefix(prefix))
    if text.startswith(_PATH_STARTS):
        return PathReference(expanded(Path(text.removeprefix("file://"))))
    if text.lower().endswith(".gguf") and ":" not in text:
        return PathReference(Path(text))
    if "/" in text:
        return _hub(text, text)
    match = _ALIAS.fullmatch(text)
    if match is None:
        raise _unreadable(text)
    return AliasReference(match["alias"], match["selector"] or "")


def _hub(text: str, rest: str) -> HubReference:
    match = _REPO.fullmatch(_WEB_DETOURS.sub("/", rest.partition("?")[0]).rstrip("/"))
    if match is None or ".." in match["repo"]:
        raise _unreadable(text)
    selector = match["selector"] or ""
    if selector and (not _SELECTOR.fullmatch(selector) or ".." in selector):
        raise _unreadable(text)
    return HubReference(match["repo"], selector)


def _unreadable(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"{text[:200]!r} is not a model name.",
        hint="Give a catalogue name, OWNER/REPO, OWNER/REPO:QUANT, or the path of a GGUF file.",
        param="name",
    )


def check_name(name: str) -> str:
    """Return a name that a model may be registered under; raise InvalidRequest for any other."""
    fine = _NAME.fullmatch(name) and name.isprintable() and name.casefold() not in _RESERVED
    if not fine or len(encode(name)) > _LONGEST_ENCODED:
        raise InvalidRequest(
            f"{name[:200]!r} cannot be a model's name.",
            hint="Use letters, digits and . _ - + @, parts joined by / or :, not too long.",
            param="name",
        )
    return name


def name_from_file(path: Path) -> str:
    """Make a name out of a file's name: without the ending, the part number and what a name may not
    hold.
    """
    stem = re.sub(r"\.gguf$", "", path.name, flags=re.IGNORECASE)
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", stem)
    stem = re.sub(r"[^\w.+@-]+", "-", stem).strip("-.+@")
    while len(encode(stem)) > _LONGEST_ENCODED:
        stem = stem[:-1]
    return stem or "model"


def encode(name: str) -> str:
    """Percent-encode a name so that it is one path segment."""
    return quote(name, safe="", errors="replace")


def near_misses(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Return the known names that look most like `name`."""
    by_key = {key.casefold(): key for key in known}
    near = difflib.get_close_matches(name.casefold(), by_key, n=limit, cutoff=0.6)
    telling = len(name) >= _TELLING
    within = [key for key in by_key if telling and name.casefold() in key and key not in near]
    return [by_key[key] for key in [*near, *within][:limit]]
