"""Reads the forms of model names that name a site: repositories on the hub and on ModelScope, the
Ollama registry, web addresses. Pure: nothing is looked up.

An address is split at the delimiters of RFC 3986. What a site shows in a browser's address bar
means the same as the short form, so that it can be pasted.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from llmd.config.networks import is_loopback
from llmd.errors import InvalidRequest
from llmd.models.references import (
    HubReference,
    ModelScopeReference,
    OllamaReference,
    RemoteReference,
    UrlReference,
)

_REPO = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<at>[\w.-]+))?(?:[:/](?P<selector>.+))?",
    re.ASCII,
)
_SELECTOR = re.compile(r"[\w.+@-]+(?:/[\w.+@-]+)*", re.ASCII)
_REVISION = re.compile(r"\w[\w./+-]*", re.ASCII)
_QUANTIZATION = re.compile(
    r"(?:UD-)?(?:(?:I|T)?Q\d\w*|MXFP4\w*|NVFP4|BF16|F(?:P)?(?:16|32))", re.IGNORECASE | re.ASCII
)
_OLLAMA_NAME = re.compile(
    r"(?P<name>\w[\w.-]*(?:/\w[\w.-]*)?)(?::(?P<tag>\w[\w.-]*))?", re.IGNORECASE | re.ASCII
)
_HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_MODELSCOPE_HOSTS = frozenset(
    {"modelscope.cn", "www.modelscope.cn", "modelscope.ai", "www.modelscope.ai"}
)
_OLLAMA_LATEST = "latest"
"""The tag of what Ollama fetched from the hub when no quantisation was named."""
_OLLAMA_HOSTS = frozenset({"ollama.com", "www.ollama.com", "registry.ollama.ai"})
_SITES = _HUB_HOSTS | _MODELSCOPE_HOSTS | _OLLAMA_HOSTS
# first words of the hub's addresses that lead to no model repository
_HUB_SECTIONS = frozenset({"api", "collections", "datasets", "docs", "models", "papers", "spaces"})
# what the sites' pages put between a repository and a file
_HUB_DETOUR = re.compile(r"/(?:blob|resolve|tree|raw)/(?P<revision>[^/]+)(?:/|$)")
_MODELSCOPE_DETOUR = re.compile(
    r"/(?:(?:file/view|resolve|files|summary)(?:/(?:master|main))?)(?:/|$)"
)
_SHA256 = re.compile(r"sha256=(?P<digest>[0-9a-f]{64})", re.IGNORECASE)
_CREDENTIALS = re.compile(r"//[^/]*@")
_KEPT_IN_PATHS = "/%:@!$&'()*+,;=~-._"
_DOTS = frozenset({".", ".."})


def site_of(text: str) -> RemoteReference | None:
    """Read a name that begins with a site's host, such as `hf.co/OWNER/REPO`; None for others."""
    host, slash, rest = text.partition("/")
    if not slash or host.casefold() not in _SITES:
        return None
    return _on_site(text, host.casefold(), rest)


def hub(text: str, rest: str) -> HubReference:
    """Read OWNER/REPO with what may follow; `text` is what the error quotes."""
    path = rest.partition("?")[0].partition("#")[0].rstrip("/")
    detour = _HUB_DETOUR.search(path)
    revision = detour["revision"] if detour else ""
    repo, at, selector = _repository(text, _HUB_DETOUR.sub("/", path, count=1).rstrip("/"))
    if repo.partition("/")[0].casefold() in _HUB_SECTIONS:
        raise unreadable(text, "That address of the hub leads to no model repository.")
    if at and not selector and looks_like_quantization(at):
        selector, at = at, ""  # as LM Studio writes it
    if selector == _OLLAMA_LATEST:
        selector = ""
    return HubReference(repo, selector, _revision(text, at or unquote(revision)))


def _revision(text: str, revision: str) -> str:
    if revision and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise unreadable(text, "That is no branch, tag or commit.")
    return "" if revision == "main" else revision


def modelscope(text: str, rest: str) -> ModelScopeReference:
    """Read OWNER/REPO of ModelScope with what may follow."""
    path = rest.partition("?")[0].partition("#")[0].removeprefix("models/").rstrip("/")
    repo, at, selector = _repository(text, _MODELSCOPE_DETOUR.sub("/", path, count=1).rstrip("/"))
    if at and (selector or not looks_like_quantization(at)):
        raise unreadable(text, "Revisions of ModelScope's repositories cannot be chosen.")
    return ModelScopeReference(repo, selector or at)


def ollama(text: str, rest: str) -> OllamaReference | HubReference:
    """Read NAME[:TAG] or USER/NAME[:TAG]; `library/NAME` is the same as NAME, and `hf.co/...` is a
    repository of the hub.
    """
    host, slash, repository = rest.partition("/")
    if slash and host.casefold() in _HUB_HOSTS:
        return hub(text, repository)  # Ollama fetches from the hub, too
    match = _OLLAMA_NAME.fullmatch(rest.removeprefix("library/").rstrip("/"))
    if match is None or ".." in match["name"]:
        raise unreadable(text, "Models of Ollama are named as ollama://NAME:TAG.")
    return OllamaReference(match["name"].lower(), match["tag"] or "")


def web(text: str) -> RemoteReference:
    """Read an http or https address; those of the hub's, ModelScope's and Ollama's pages become
    references to these.
    """
    if any(character.isspace() or character == "\\" for character in text):
        raise unreadable(text, "A web address holds no spaces and no backslashes.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise unreadable(text, "The web address is malformed.") from None
    if host in _SITES and port in {None, 80, 443} and "@" not in parts.netloc:
        rest = parts.path.removeprefix("/")
        if not (parts.scheme.casefold() == "https" and _is_blob_service(host, rest)):
            return _on_site(text, host, rest)
    _check_host(text, parts, host)
    return UrlReference(_normalised(text, parts), _digest(text, parts.fragment))


def _is_blob_service(host: str, path: str) -> bool:
    """Whether an address asks a site's API, which is a plain download."""
    return host in _MODELSCOPE_HOSTS and path.startswith("api/")


def _on_site(text: str, host: str, rest: str) -> RemoteReference:
    if host in _HUB_HOSTS:
        return hub(text, rest)
    if host in _MODELSCOPE_HOSTS:
        return modelscope(text, rest)
    return ollama(text, rest.partition("?")[0].partition("#")[0])


def _repository(text: str, path: str) -> tuple[str, str, str]:
    """Split `OWNER/REPO[@AT][:SELECTOR]`."""
    match = _REPO.fullmatch(unquote(path))
    if match is None or ".." in match["repo"]:
        raise unreadable(text)
    selector = match["selector"] or ""
    if selector and (not _SELECTOR.fullmatch(selector) or ".." in selector):
        raise unreadable(text)
    return match["repo"], match["at"] or "", selector


def _check_host(text: str, parts: SplitResult, host: str) -> None:
    if "@" in parts.netloc:
        raise InvalidRequest(
            "The address holds a user name or password.",
            hint="Leave it out: names of models are shown and logged.",
            param="name",
        )
    if not host.isascii() or not re.fullmatch(r"[a-z0-9.:_-]+", host):
        raise unreadable(text, "Write the host in ASCII letters (xn--... for others).")
    if parts.scheme.casefold() == "http" and not is_loopback(host):
        raise unreadable(text, "Plain http is taken from this machine alone; use https.")
    if not parts.path.strip("/"):
        raise unreadable(text, "The address names a host but no file.")


def _normalised(text: str, parts: SplitResult) -> str:
    if _DOTS & set(unquote(parts.path).split("/")) or "\0" in unquote(parts.path):
        raise unreadable(text, "The address may not step out of its folder.")
    path = quote(parts.path, safe=_KEPT_IN_PATHS)
    query = quote(parts.query, safe=_KEPT_IN_PATHS + "?[]")
    url = f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"
    return f"{url}?{query}" if query else url


def _digest(text: str, fragment: str) -> str:
    if not fragment.casefold().startswith("sha256"):
        return ""  # a fragment never reaches the server
    match = _SHA256.fullmatch(fragment)
    if match is None:
        raise unreadable(text, "`#sha256=` is followed by 64 hexadecimal digits.")
    return match["digest"].lower()


def looks_like_quantization(word: str) -> bool:
    """Whether a word is written as quantisations are: `Q4_K_M`, `iq3_xxs`, `BF16`."""
    return _QUANTIZATION.fullmatch(word) is not None


def unreadable(text: str, reason: str = "") -> InvalidRequest:
    """Return the error for what is no model name; `reason` says what is wrong with it."""
    return InvalidRequest(
        f"{shown(text)} is not a model name.{' ' if reason else ''}{reason}",
        hint="Give a catalogue name, OWNER/REPO or OWNER/REPO:QUANT of the Hugging Face hub, "
        "ollama://NAME:TAG, modelscope://OWNER/REPO, the https address or the path of a GGUF file.",
        param="name",
    )


def shown(text: str) -> str:
    """Quote a text for an error message: bounded, control characters escaped, no passwords."""
    longest = 200
    text = _CREDENTIALS.sub("//...@", text)
    return repr(text if len(text) <= longest else f"{text[:longest]}…")
