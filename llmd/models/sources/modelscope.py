"""Fetches a model from ModelScope: a program of its own.

    python -m llmd.models.sources.modelscope OWNER/REPO SELECTOR MODELS_DIR

SELECTOR may be empty. Files go to MODELS_DIR/modelscope/OWNER/REPO/VERSION/, unless ModelScope's
own cache on this machine has all of them, undamaged, which are then used where they lie. It writes
`lines`. MODELSCOPE_ENDPOINT, MODELSCOPE_API_TOKEN and MODELSCOPE_CACHE work as its own tools have
them (modelscope/modelscope, hub/api.py and hub/file_download.py).
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import msgspec

from llmd.errors import AccessDenied, DownloadFailed, LlmdError, ModelNotFound
from llmd.models.sources.lines import Fetched, Named, Progress
from llmd.models.sources.program import run
from llmd.models.sources.selection import RemoteFile, select
from llmd.models.sources.transfer import Refused, Remote, Transfer
from llmd.models.sources.transfer.faults import explained

ENDPOINT = "https://www.modelscope.cn"
REVISION = "master"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DENIED = frozenset({401, 403})
_NOT_FOUND = 404
_FINE = 200
_BLOCK = 4 * 2**20
_VERSION_DIGITS = 12


class _Entry(msgspec.Struct, rename="pascal"):
    path: str
    size: int = 0
    sha256: str = ""
    type: str = "blob"
    revision: str = ""


class _Data(msgspec.Struct, rename="pascal"):
    files: list[_Entry] | None = None


class _Listing(msgspec.Struct, rename="pascal"):
    code: int = _FINE
    success: bool = True
    message: str | None = ""
    data: _Data | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Where repositories are, and who asks."""

    endpoint: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What tells who asks; the older calls know a cookie alone."""
        if not self.token:
            return {}
        return {
            "Authorization": f"Bearer {self.token}",
            "Cookie": f"m_session_id={self.token}",
        }

    def listing(self, repo: str) -> str:
        """Return the address of a repository's list of files."""
        query = f"Revision={REVISION}&Recursive=true"
        return f"{self.endpoint}/api/v1/models/{repo}/repo/files?{query}"

    def file(self, repo: str, name: str) -> str:
        """Return the address of a file."""
        query = f"Revision={REVISION}&FilePath={quote(name, safe='')}"
        return f"{self.endpoint}/api/v1/models/{repo}/repo?{query}"


def pull(site: Site, repo: str, selector: str, places: Places, transfer: Transfer) -> Fetched:
    """Bring a model here; raise LlmdError."""
    transfer.report.line(Progress("resolving", repo))
    selected = select(repo, _files(site, repo, transfer), selector)
    companions = [selected.projector] if selected.projector else []
    wanted = [*selected.choice.files, *companions]
    transfer.report.total = sum(file.size for file in wanted)
    cached = _all_cached(places.cached(repo), wanted, transfer)
    home = places.own(repo, wanted)
    paths = cached or [home / file.name for file in wanted]
    name = f"{repo}:{selected.selector}"
    source = f"modelscope://{repo}/{selected.choice.files[0].name}"
    transfer.report.named(Named(name, source, str(paths[0])))
    if not cached:
        _fetch(site, repo, list(zip(wanted, paths, strict=True)), transfer)
    projector = paths.pop() if companions else ""
    return Fetched(
        [str(path) for path in paths],
        repo,
        REVISION,
        selected.selector,
        fresh=not cached,
        projector=str(projector),
        name=name,
        source=source,
        digests={
            str(path): file.sha256
            for path, file in zip(
                [*paths, *([projector] if projector else [])], wanted, strict=True
            )
            if file.sha256
        },
    )


@dataclass(frozen=True, slots=True)
class Places:
    """Where files of repositories are on this machine."""

    models_dir: Path
    caches: tuple[Path, ...]

    def own(self, repo: str, files: Sequence[RemoteFile]) -> Path:
        """Return llmd's folder for this version of some files: the branch moves, and a model that
        is in use must not change underneath.
        """
        said = "\n".join(f"{file.name} {file.size} {file.sha256}" for file in files)
        version = hashlib.sha256(said.encode()).hexdigest()[:_VERSION_DIGITS]
        return self.models_dir / "modelscope" / repo / version

    def cached(self, repo: str) -> list[Path]:
        """Return the folders where ModelScope's own tools may have put it."""
        owner, _, name = repo.partition("/")
        names = dict.fromkeys((name.replace(".", "___"), name))
        return [
            cache / level / owner / folder
            for cache in self.caches
            for level in ("models", "")
            for folder in names
        ]


def caches(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return the roots of ModelScope's caches."""
    told = environ.get("MODELSCOPE_CACHE")
    usual = (home / ".cache" / "modelscope" / "hub", home / ".modelscope" / "hub")
    return (Path(told).expanduser(), Path(told).expanduser() / "hub", *usual) if told else usual


def _files(site: Site, repo: str, transfer: Transfer) -> list[RemoteFile]:
    try:
        body = transfer.ask(site.listing(repo), site.headers).body
        listing = msgspec.json.decode(body, type=_Listing)
    except Refused as refused:
        raise _refusal(refused.status, repo, site) or explained(refused, repo) from refused
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise DownloadFailed(
            f"{site.endpoint} does not answer like ModelScope.", hint="See MODELSCOPE_ENDPOINT."
        ) from error
    if listing.code != _FINE or not listing.success or listing.data is None:
        raise _refusal(listing.code, repo, site) or DownloadFailed(
            f"ModelScope says of {repo}: {(listing.message or 'nothing')[:200]}."
        )
    return [
        RemoteFile(entry.path, entry.size, _digest(entry.sha256))
        for entry in listing.data.files or []
        if entry.type != "tree" and entry.size > 0 and _harmless(entry.path)
    ]


def _refusal(status: int, repo: str, site: Site) -> LlmdError | None:
    if status in _DENIED:
        return AccessDenied(
            f"ModelScope refuses access to {repo}.",
            hint=f"Accept its terms at {site.endpoint}/models/{repo} if it has any, and set "
            "MODELSCOPE_API_TOKEN where the daemon runs.",
        )
    if status == _NOT_FOUND:
        return ModelNotFound(
            f"ModelScope has no repository {repo}, or it is private.",
            hint="Check the spelling; for a private one set MODELSCOPE_API_TOKEN where the daemon "
            "runs.",
            param="name",
        )
    return None


def _digest(text: str) -> str:
    digest = text.lower()
    return digest if _SHA256.fullmatch(digest) else ""


def _harmless(name: str) -> bool:
    """Whether a file's name stays within its folder."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and name.isprintable()


def _all_cached(
    folders: list[Path], wanted: list[RemoteFile], transfer: Transfer
) -> list[Path] | None:
    """Return the files in the first folder that has all of them as they should be."""
    for folder in folders:
        paths = [folder / file.name for file in wanted]
        if all(_long_enough(path, file) for path, file in zip(paths, wanted, strict=True)) and all(
            _as_expected(path, file, transfer) for path, file in zip(paths, wanted, strict=True)
        ):
            return paths
        transfer.report.complete = 0
    return None


def _long_enough(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size


def _as_expected(path: Path, file: RemoteFile, transfer: Transfer) -> bool:
    digest = hashlib.sha256()
    done = 0
    with path.open("rb", buffering=0) as content:
        while block := content.read(_BLOCK):
            digest.update(block)
            done += len(block)
            transfer.report.progress("verifying", file.name, done)
    transfer.report.complete += done
    return not file.sha256 or digest.hexdigest() == file.sha256


def _fetch(site: Site, repo: str, files: list[tuple[RemoteFile, Path]], transfer: Transfer) -> None:
    pairs = [
        (
            Remote(
                site.file(repo, file.name),
                file.name,
                file.size,
                file.sha256,
                headers=site.headers,
            ),
            path,
        )
        for file, path in files
    ]
    transfer.check_room(repo, pairs)
    for remote, target in pairs:
        transfer.fetch(remote, target)


def main(arguments: list[str]) -> int:
    """Run."""
    repo, selector, models_dir = arguments
    endpoint = os.environ.get("MODELSCOPE_ENDPOINT") or ENDPOINT
    endpoint = endpoint if "://" in endpoint else f"https://{endpoint}"
    site = Site(endpoint.rstrip("/"), os.environ.get("MODELSCOPE_API_TOKEN", ""))
    places = Places(Path(models_dir), caches(os.environ, Path.home()))
    return run("modelscope", lambda transfer: pull(site, repo, selector, places, transfer))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
