"""Fetches a model from the Hugging Face hub into the cache that all its tools share: a program of
its own.

    python -m llmd.models.sources.huggingface OWNER/REPO [SELECTOR]

It writes `lines` to standard output and ends when its standard input does, so that it never
outlives the daemon. A kill at any moment loses nothing: see `partial`. HF_ENDPOINT, HF_TOKEN,
HF_HOME and the other variables work as they do everywhere. Files travel over plain HTTP, which can
be continued; only those too large for that go the hub's own way, Xet.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import httpx2
import msgspec
from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    get_session,
    hf_hub_download,
    hf_hub_url,
    hf_raise_for_status,
    try_to_load_from_cache,
)
from huggingface_hub import (
    errors as hub,
)
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented, yet missing in its __all__

from llmd import __version__
from llmd.errors import LlmdError, NoRoom
from llmd.models.sources import faults
from llmd.models.sources.lines import Failed, Fetched, Line, Progress
from llmd.models.sources.partial import Busy, Partial, waiting_size
from llmd.models.sources.selection import RemoteFile, select

T = TypeVar("T")

_TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})
# seconds between attempts: few before the hub ever answered, more once it has
_FIRST_DELAYS = (0.5, 1.0)
_LATER_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
_LONGEST_DELAY = 60
_REPORT_EVERY = 0.25
_TIMEOUT = max(constants.HF_HUB_ETAG_TIMEOUT, constants.HF_HUB_DOWNLOAD_TIMEOUT)
_SPARE_ROOM = 64 * 2**20
# it becomes the name of a file
_ETAG = re.compile(r"\w[\w.-]*", re.ASCII)


class _Cut(httpx2.TransportError):
    """The answer ended before the file did."""


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


class Report:
    """Writes lines; of progress only a few a second."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._next = 0.0
        self.total = 0
        self.complete = 0
        """Bytes of the files before the current one."""

    def line(self, line: Line) -> None:
        """Write one."""
        self._out.write(msgspec.json.encode(line) + b"\n")
        self._out.flush()

    def progress(self, status: str, file: str, done: int) -> None:
        """Say how far the current file is, unless that was said a moment ago."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _REPORT_EVERY
            self.line(Progress(status, file, min(self.complete + done, self.total), self.total))


def pull(repo: str, selector: str, report: Report) -> Fetched:
    """Bring a model into the cache; raise LlmdError, or what `faults.translate` understands."""
    report.line(Progress("resolving", repo))
    api = HfApi(library_name="llmd", library_version=__version__)
    info = _patiently(
        lambda: api.model_info(repo, files_metadata=True, timeout=_TIMEOUT), _FIRST_DELAYS
    )
    offered = [
        RemoteFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "")
        for file in info.siblings or []
    ]
    selected = select(repo, offered, selector)
    revision = info.sha or constants.DEFAULT_REVISION
    companions = [selected.projector] if selected.projector else []
    plan = [_plan(repo, revision, remote) for remote in (*selected.choice.files, *companions)]
    _check_room(repo, plan)
    report.total = sum(file.size for file in plan)
    paths = [_obtain(repo, revision, file, report) for file in plan]
    _remember_revision(repo, revision)
    fresh = any(file.path is None for file in plan)
    projector = paths.pop() if companions else ""
    return Fetched(paths, repo, revision, selected.selector, fresh, projector)


def _plan(repo: str, revision: str, remote: RemoteFile) -> Planned:
    cached = try_to_load_from_cache(repo, remote.name, revision=revision)
    if isinstance(cached, str):
        return Planned(
            remote, Path(cached).stat().st_size, cached, Path(cached), "", xet_only=False
        )
    url = hf_hub_url(repo, remote.name, revision=revision)
    metadata = _patiently(
        lambda: get_hf_file_metadata(url, timeout=_TIMEOUT, headers=_headers()), _FIRST_DELAYS
    )
    if metadata.etag is None or not _ETAG.fullmatch(metadata.etag):
        raise hub.FileMetadataError("no usable ETag")
    size = metadata.size or remote.size
    too_large = size > constants.MAX_HTTP_DOWNLOAD_SIZE and metadata.xet_file_data is not None
    return Planned(remote, size, None, _folder(repo) / "blobs" / metadata.etag, url, too_large)


def _folder(repo: str) -> Path:
    return Path(constants.HF_HUB_CACHE).expanduser() / repo_folder_name(
        repo_id=repo, repo_type="model"
    )


def _remember_revision(repo: str, revision: str) -> None:
    """Note in the cache what `main` is, as huggingface_hub does, so that other tools find the files
    when offline.
    """
    ref = _folder(repo) / "refs" / constants.DEFAULT_REVISION
    ref.parent.mkdir(parents=True, exist_ok=True)
    written = ref.with_name(f".{ref.name}.{os.getpid()}")
    written.write_text(revision)
    written.replace(ref)


def _check_room(repo: str, plan: list[Planned]) -> None:
    wanted = [file for file in plan if file.path is None]
    needed = sum(file.size - min(waiting_size(file.blob), file.size) for file in wanted)
    if not needed:
        return
    folder = wanted[0].blob
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_ROOM > free:
        raise NoRoom(
            f"{repo} needs {needed / 1e9:.1f} GB more on the disk of {folder}, "
            f"{free / 1e9:.1f} GB are free.",
            hint="Free some space, take a smaller quantization, or set HF_HOME to a larger disk.",
            needed=needed,
            available=free,
        )


def _obtain(repo: str, revision: str, file: Planned, report: Report) -> str:
    path = file.path
    if path is None:
        if file.xet_only:
            return _whole(repo, revision, file, report)
        while not file.blob.exists():
            try:
                with Partial(file.blob, file.size) as partial:
                    _transfer(file, partial, report)
            except Busy:
                report.progress("downloading", file.remote.name, waiting_size(file.blob))
                time.sleep(_REPORT_EVERY)
        # the content lies where this looks for it: nothing is fetched, only the name is made
        path = hf_hub_download(repo, file.remote.name, revision=revision, etag_timeout=_TIMEOUT)
    report.complete += file.size
    return os.path.abspath(path)


def _transfer(file: Planned, partial: Partial, report: Report) -> None:
    def more() -> None:
        _stream(file, partial, report)
        if partial.size < partial.expected:
            raise _Cut(f"{partial.size} of {partial.expected} bytes came")

    while partial.size < partial.expected:
        before = partial.size
        try:
            _patiently(more, _LATER_DELAYS, progressed=lambda: partial.size)
        except httpx2.TransportError:
            if partial.size <= before:
                raise
    partial.finish(
        file.remote.sha256, lambda done: report.progress("verifying", file.remote.name, done)
    )


def _stream(file: Planned, partial: Partial, report: Report) -> None:
    start = partial.size
    headers = {**_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream("GET", file.url, headers=headers, timeout=_TIMEOUT) as response:
        hf_raise_for_status(response)
        continued = response.status_code == httpx2.codes.PARTIAL_CONTENT
        if start and not (
            continued and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        ):
            partial.restart()
            if continued:
                raise _Cut("the server sent another range than the one asked for")
        for chunk in response.iter_bytes():
            partial.append(chunk)
            report.progress("downloading", file.remote.name, partial.size)


def _whole(repo: str, revision: str, file: Planned, report: Report) -> str:
    """Let huggingface_hub fetch a file that is too large for plain HTTP; it cannot continue an
    earlier attempt.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_REPORT_EVERY):
            report.progress("downloading", file.remote.name, _growth(file.blob))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        path = hf_hub_download(repo, file.remote.name, revision=revision, etag_timeout=_TIMEOUT)
    finally:
        ended.set()
        watcher.join()
    report.complete += file.size
    return os.path.abspath(path)


def _growth(blob: Path) -> int:
    """Return the bytes on disk of huggingface_hub's own temporary file for this blob."""
    found = blob.parent.glob(f"{blob.name}.*.incomplete")
    return max((path.stat().st_blocks * 512 for path in found if path.exists()), default=0)


def _patiently(
    call: Callable[[], T], delays: tuple[float, ...], progressed: Callable[[], int] = int
) -> T:
    """Call until it works; between failures that may pass wait, longer each time unless
    `progressed` has grown.
    """
    waiting = list(delays)
    reached = progressed()
    while True:
        try:
            return call()
        except (httpx2.TransportError, hub.HfHubHTTPError) as error:
            if progressed() > reached:
                waiting, reached = list(delays), progressed()
            if not waiting or not _may_pass(error):
                raise
            time.sleep(max(waiting.pop(0), _asked_delay(error)))


def _may_pass(error: Exception) -> bool:
    if isinstance(error, hub.HfHubHTTPError):
        return error.response.status_code in _TRANSIENT_STATUS
    return True


def _asked_delay(error: Exception) -> float:
    if not isinstance(error, hub.HfHubHTTPError):
        return 0
    asked = error.response.headers.get("Retry-After", "")
    return min(int(asked), _LONGEST_DELAY) if asked.isdecimal() else 0


def _headers() -> dict[str, str]:
    return build_hf_headers(library_name="llmd", library_version=__version__)


def _end_with_parent() -> None:
    # os.read, not sys.stdin: that one's lock, held here for ever, would abort the interpreter's own
    # ending
    while os.read(0, 4096):
        continue
    os._exit(1)


def main(arguments: list[str]) -> int:
    """Run; standard output carries lines alone, whatever a library prints."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    repo, selector = arguments[0], arguments[1] if len(arguments) > 1 else ""
    report = Report(out)
    try:
        report.line(pull(repo, selector, report))
    except LlmdError as error:
        report.line(Failed(error.to_wire()))
    except (
        httpx2.HTTPError,
        hub.HfHubHTTPError,
        hub.HFValidationError,
        OSError,
        json.JSONDecodeError,
    ) as error:
        report.line(Failed(faults.translate(error, repo).to_wire()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
