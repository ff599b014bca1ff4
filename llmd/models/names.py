"""The grammar of model names, pure.

    alias[:QUANT]                      an entry of the catalogue; also as alias@QUANT
    OWNER/REPO[:QUANT | :FILE.gguf]    a repository on the Hugging Face hub; also as hf://OWNER/REPO,
                                       hf.co/OWNER/REPO, as the address of its web page, and with
                                       @REVISION behind REPO
    modelscope://OWNER/REPO[...]       the same on ModelScope; also as ms://, and its web page
    ollama://[USER/]NAME[:TAG]         a model of the Ollama registry; also as ollama.com/USER/NAME
    https://HOST/...[#sha256=DIGEST]   a GGUF file on any other web server (http:// on this machine)
    a path                             begins with / ./ ../ ~ or file://, or ends in .gguf

A registered model's own name is free within `check_name`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote

from llmd.errors import InvalidRequest
from llmd.models import addresses
from llmd.models.addresses import looks_like_quantization, shown, unreadable
from llmd.models.references import (
    AliasReference,
    HubReference,
    ModelScopeReference,
    OllamaReference,
    PathReference,
    Reference,
    RemoteReference,
    UrlReference,
)

__all__ = [
    "AliasReference",
    "HubReference",
    "ModelScopeReference",
    "OllamaReference",
    "PathReference",
    "Reference",
    "RemoteReference",
    "UrlReference",
    "check_name",
    "encode",
    "expanded",
    "looks_like_quantization",
    "name_from_file",
    "near_misses",
    "parse",
]

_WORD = r"\w[\w.+@-]*"
_NAME = re.compile(rf"{_WORD}(?:[/:]{_WORD})*")
_ALIAS = re.compile(r"(?P<alias>[A-Za-z0-9][\w.-]*)(?:[:@](?P<selector>[\w.-]+))?", re.ASCII)
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.ASCII | re.DOTALL)
_PATH_STARTS = ("/", "./", "../", "~")
_RESERVED = frozenset({"default"})
_LONGEST = 4096
# the percent-encoded name plus ".json" must fit a file name of 255 bytes
_LONGEST_ENCODED = 240
# letters from which on a part of a name tells anything: shorter ones are in nearly all names
_TELLING = 3
# scripts whose letters are drawn alike; a word of two of them is meant to deceive
_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_LETTERS = re.compile(r"[^\W\d_]+")


def expanded(path: Path) -> Path:
    """Return the path with a leading ~ resolved, where that means somebody's home."""
    try:
        return path.expanduser()
    except RuntimeError:  # ~somebody who has no home; such a file will not be found either
        return path


def parse(text: str) -> Reference:
    """Read what a person typed; raise InvalidRequest when it is none of the forms."""
    if len(text) > _LONGEST:
        raise unreadable(text, f"It has {len(text)} characters.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise unreadable(text, "It holds control characters.")
    if text.startswith(_PATH_STARTS):
        return PathReference(expanded(Path(text)))
    if match := _SCHEME.fullmatch(text):
        return _with_scheme(text, match["scheme"].casefold(), match["rest"])
    if (site := addresses.site_of(text)) is not None:
        return site
    if text.startswith("hf:"):
        return addresses.hub(text, text.removeprefix("hf:"))
    if text.lower().endswith(".gguf") and ":" not in text:
        return PathReference(Path(text))
    if "/" in text:
        return addresses.hub(text, _ascii(text))
    match = _ALIAS.fullmatch(_ascii(text))
    if match is None:
        raise unreadable(text)
    return AliasReference(match["alias"], match["selector"] or "")


def _with_scheme(text: str, scheme: str, rest: str) -> Reference:
    match scheme:
        case "hf" | "huggingface":
            return addresses.hub(text, rest)
        case "modelscope" | "ms":
            return addresses.modelscope(text, rest)
        case "ollama":
            return addresses.ollama(text, rest)
        case "http" | "https":
            return addresses.web(text)
        case "file":
            return PathReference(_local(text, rest))
        case _:
            raise unreadable(text, f"llmd does not know {scheme}://.")


def _local(text: str, rest: str) -> Path:
    """Read what follows `file://`, which is a path, perhaps percent-encoded (RFC 8089)."""
    path = unquote(rest.removeprefix("localhost") if rest.startswith("localhost/") else rest)
    if not path.startswith(_PATH_STARTS) or "\0" in path:
        raise unreadable(text, "file:// is followed by an absolute path.")
    return expanded(Path(path))


def _ascii(text: str) -> str:
    """Return the text; raise InvalidRequest that points at a letter which no name may hold, since
    it may look like another one.
    """
    foreign = next((character for character in text if not character.isascii()), None)
    if foreign is not None:
        name = unicodedata.name(foreign, "unknown").lower()
        raise unreadable(text, f"It holds {foreign!r} (U+{ord(foreign):04X}, {name}).")
    return text


def check_name(name: str) -> str:
    """Return a name that a model may be registered under; raise InvalidRequest for any other."""
    fine = _NAME.fullmatch(name) and name.isprintable() and name.casefold() not in _RESERVED
    if not fine or len(encode(name)) > _LONGEST_ENCODED or _deceives(name):
        raise InvalidRequest(
            f"{shown(name)} cannot be a model's name.",
            hint="Use letters, digits and . _ - + @, parts joined by / or :, not too long, "
            "each word of one script.",
            param="name",
        )
    return name


def _deceives(name: str) -> bool:
    """Whether a name is likely to be taken for another one: compatibility forms of letters, words
    of several scripts that look alike.
    """
    if unicodedata.normalize("NFKC", name) != name:
        return True
    return any(len(_scripts(word)) > 1 for word in _LETTERS.findall(name))


def _scripts(word: str) -> set[str]:
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
    return scripts & set(_ALIKE)


def name_from_file(path: Path) -> str:
    """Make a name out of a file's name: without the ending, the part number and what a name may not
    hold.
    """
    stem = unicodedata.normalize("NFKC", path.name)
    stem = re.sub(r"\.gguf$", "", stem, flags=re.IGNORECASE)
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", stem)
    stem = _LETTERS.sub(lambda word: _plain(word[0]), stem)
    stem = re.sub(r"[^\w.+@-]+", "-", stem).strip("-.+@")
    while len(encode(stem)) > _LONGEST_ENCODED:
        stem = stem[:-1]
    return "model" if stem.casefold() in {"", *_RESERVED} else stem


def _plain(word: str) -> str:
    return re.sub(r"[^\x00-\x7f]+", "-", word) if len(_scripts(word)) > 1 else word


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
