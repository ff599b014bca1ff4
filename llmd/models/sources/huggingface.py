"""Fetches a model from the Hugging Face hub into the cache that all its tools share: a program of
its own.

    python -m llmd.models.sources.huggingface OWNER/REPO [SELECTOR [REVISION]]

It writes `lines` to standard output and ends when its standard input does, so that it never
outlives the daemon. A kill at any moment loses nothing: see `transfer`. HF_ENDPOINT, HF_TOKEN,
HF_HOME and the other variables work as they do everywhere. Files travel over plain HTTP, which can
be continued; only those too large for that go the hub's own way, Xet.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub import (
    errors as hub,
)
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented, yet missing in its __all__

from llmd import __version__
from llmd.errors import CorruptFile
from llmd.models.sources import faults
from llmd.models.sources.lines import Fetched, Named, Progress
from llmd.models.sources.program import run
from llmd.models.sources.report import Report
from llmd.models.sources.selection import RemoteFile, select
from llmd.models.sources.transfer import Remote, Transfer
from llmd.models.sources.transfer.patience import FIRST_DELAYS, Patience, wish
from llmd.models.sources.transfer.pieces import fetched_here

T = TypeVar("T")

_TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_WATCH_EVERY = 0.25
_TIMEOUT = max(constants.HF_HUB_ETAG_TIMEOUT, constants.HF_HUB_DOWNLOAD_TIMEOUT)
# it becomes the name of a file
_ETAG = re.compile(r"\w[\w.-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FOREIGN = (httpx2.HTTPError, hub.HfHubHTTPError, hub.HFValidationError, json.JSONDecodeError)


@dataclass(frozen=True, slots=True)
class Planned:
    """One file of the model: either in the cache already (`path`), or to be fetched from `url` into
    `blob`.
    """

    remote: RemoteFile
    size: int
    path: str | None
    blob: Path
    url: str
    xet_only: bool


def pull(repo: str, selector: str, revision: str, transfer: Transfer) -> Fetched:
    """Bring a model into the cache; raise LlmdError, or what `faults.translate` understands."""
    report = transfer.report
    report.line(Progress("resolving", repo))
    api = HfApi(library_name="llmd", library_version=__version__)
    info = _patiently(
        lambda: api.model_info(
            repo, revision=revision or None, files_metadata=True, timeout=_TIMEOUT
        )
    )
    offered = [
        RemoteFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "")
        for file in info.siblings or []
    ]
    selected = select(repo, offered, selector)
    commit = info.sha or constants.DEFAULT_REVISION
    companions = [selected.projector] if selected.projector else []
    plan = [_plan(repo, commit, remote) for remote in (*selected.choice.files, *companions)]
    report.total = sum(file.size for file in plan)
    first = selected.choice.files[0].name
    name = f"{repo}@{revision}:{selected.selector}" if revision else ""
    source = f"hf://{repo}@{revision}/{first}" if revision else f"hf://{repo}/{first}"
    report.named(Named(name or f"{repo}:{selected.selector}", source, plan[0].path or ""))
    _check_room(repo, plan, transfer)
    paths = [_obtain(repo, commit, file, transfer) for file in plan]
    _remember_revision(repo, revision or constants.DEFAULT_REVISION, commit)
    return Fetched(
        files=paths[: len(selected.choice.files)],
        repo=repo,
        revision=commit,
        selector=selected.selector,
        # what another tool fetched, if only in part, stays when the model is removed
        fresh=all(_fetched_here(file, transfer) for file in plan),
        projector=paths[-1] if companions else "",
        name=name,
        source=source,
        digests=_digests(paths, plan),
    )


def _fetched_here(file: Planned, transfer: Transfer) -> bool:
    """Whether it had to be fetched now, or was by an attempt that did not come to its end."""
    if file.path is None:
        return True
    return fetched_here(transfer.terms.records_folder, file.remote.sha256, Path(file.path))


def _digests(paths: list[str], plan: list[Planned]) -> dict[str, str]:
    """Return the digests that were checked, and those that the cache names blobs by."""
    return {
        path: file.remote.sha256
        for path, file in zip(paths, plan, strict=True)
        if file.remote.sha256
        and (file.path is None or Path(path).resolve().name == file.remote.sha256)
    }


def _plan(repo: str, revision: str, remote: RemoteFile) -> Planned:
    cached = try_to_load_from_cache(repo, remote.name, revision=revision)
    if isinstance(cached, str):
        size = Path(cached).stat().st_size
        if remote.size in {0, size}:
            return Planned(remote, size, cached, Path(cached), "", xet_only=False)
    url = hf_hub_url(repo, remote.name, revision=revision)
    metadata = _patiently(lambda: get_hf_file_metadata(url, timeout=_TIMEOUT, headers=headers()))
    if metadata.etag is None or not _ETAG.fullmatch(metadata.etag):
        raise hub.FileMetadataError("no usable ETag")
    size = metadata.size or remote.size
    too_large = size > constants.MAX_HTTP_DOWNLOAD_SIZE and metadata.xet_file_data is not None
    return Planned(remote, size, None, _folder(repo) / "blobs" / metadata.etag, url, too_large)


def _folder(repo: str) -> Path:
    return Path(constants.HF_HUB_CACHE).expanduser() / repo_folder_name(
        repo_id=repo, repo_type="model"
    )


def _remember_revision(repo: str, revision: str, commit: str) -> None:
    """Note in the cache what `main` is, as huggingface_hub does, so that other tools find the files
    when offline.
    """
    if _COMMIT.fullmatch(revision):
        return
    ref = _folder(repo) / "refs" / revision
    ref.parent.mkdir(parents=True, exist_ok=True)
    written = ref.with_name(f".{ref.name}.{os.getpid()}")
    written.write_text(commit)
    written.replace(ref)


def _check_room(repo: str, plan: list[Planned], transfer: Transfer) -> None:
    transfer.check_room(
        repo,
        [(_remote(file), file.blob) for file in plan if file.path is None],
        "Free some space, take a smaller quantization, or set HF_HOME to a larger disk.",
    )


def _remote(file: Planned) -> Remote:
    return Remote(
        url=file.url,
        name=file.remote.name,
        size=file.size,
        sha256=file.remote.sha256,
        headers=headers(),
    )


def _obtain(repo: str, revision: str, file: Planned, transfer: Transfer) -> str:
    if file.path is not None:
        transfer.report.complete += file.size
        return os.path.abspath(file.path)
    if file.xet_only:
        return _whole(repo, revision, file, transfer.report)
    try:
        transfer.fetch(_remote(file), file.blob)
    except CorruptFile:
        _tidy(_folder(repo))
        raise
    # the content lies where this looks for it: nothing is fetched, only the name is made
    return os.path.abspath(
        hf_hub_download(repo, file.remote.name, revision=revision, etag_timeout=_TIMEOUT)
    )


def _tidy(folder: Path) -> None:
    """Remove a repository's folder in which nothing is, once something useless was thrown away."""
    with contextlib.suppress(OSError):
        (folder / "blobs").rmdir()
        folder.rmdir()


def _whole(repo: str, revision: str, file: Planned, report: Report) -> str:
    """Let huggingface_hub fetch a file that is too large for plain HTTP; it cannot continue an
    earlier attempt.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_WATCH_EVERY):
            report.progress("downloading", file.remote.name, _growth(file.blob))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        path = hf_hub_download(
            *(repo, file.remote.name),
            revision=revision,
            etag_timeout=_TIMEOUT,
            force_download=file.blob.exists(),  # not as long as it should be
        )
    finally:
        ended.set()
        watcher.join()
    report.complete += file.size
    return os.path.abspath(path)


def _growth(blob: Path) -> int:
    """Return the bytes on disk of huggingface_hub's own temporary file for this blob."""
    found = blob.parent.glob(f"{blob.name}.*.incomplete")
    return max((path.stat().st_blocks * 512 for path in found if path.exists()), default=0)


def _patiently(call: Callable[[], T]) -> T:
    """Call until it works; between failures that may pass wait, longer each time."""
    patience = Patience(FIRST_DELAYS)
    while True:
        try:
            return call()
        except (httpx2.TransportError, hub.HfHubHTTPError) as error:
            pause = patience.next(_asked_delay(error)) if _may_pass(error) else None
            if pause is None:
                raise
            time.sleep(pause)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, hub.HfHubHTTPError):
        return error.response.status_code in _TRANSIENT_STATUS
    return True


def _asked_delay(error: Exception) -> float:
    if not isinstance(error, hub.HfHubHTTPError):
        return 0
    return wish(error.response.headers.get("Retry-After", ""), time.time())


def headers() -> dict[str, str]:
    """Return what the hub wants to see with each request, a token included."""
    return build_hf_headers(library_name="llmd", library_version=__version__)


def main(arguments: list[str]) -> int:
    """Run the program."""
    repo, selector, revision = (*arguments, "", "")[:3]
    return run(
        "huggingface",
        lambda transfer: pull(repo, selector, revision, transfer),
        lambda error: faults.translate(error, repo),
        _FOREIGN,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
