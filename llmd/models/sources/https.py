"""Fetches a GGUF file from any web server: a program of its own.

    python -m llmd.models.sources.https URL SHA256 MODELS_DIR

SHA256 may be empty. The file goes to MODELS_DIR/web/HOST/ADDRESS/VERSION/NAME, where ADDRESS and
VERSION are digests of the URL and of what the server calls its content: another version of the file
comes beside the one that models use now, and never over it. A name that ends in -00001-of-000NN
brings all parts. It writes `lines`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import unquote, urlsplit

from llmd.errors import CorruptFile, DownloadFailed
from llmd.models.names import name_from_file
from llmd.models.sources.lines import Fetched, Named, Progress
from llmd.models.sources.program import run
from llmd.models.sources.transfer import Refused, Remote, Stored, Transfer
from llmd.models.sources.transfer.faults import explained
from llmd.models.sources.transfer.partial import SUFFIX
from llmd.models.sources.transfer.pieces import find_from

_PART = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})(?=\.gguf(?:$|[?]))", re.IGNORECASE)
_MOST_PARTS = 999
_LONGEST_NAME = 180
_KEY_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Planned:
    """One part, as the server describes it, and the name it gets."""

    remote: Remote
    name: str


def pull(url: str, sha256: str, models_dir: Path, transfer: Transfer) -> Fetched:
    """Bring a file, or all parts of a split one; raise LlmdError."""
    transfer.report.line(Progress("resolving", _basename(url)))
    plan = [_look(part, sha256 if part == url else "", transfer) for part in addresses(url)]
    home = models_dir / "web" / _host(url) / _key(addresses(url)[0])
    first = plan[0].remote
    folder = home / _key(first.etag, str(first.size))
    targets = [folder / part.name for part in plan]
    name = name_from_file(targets[0])
    transfer.report.named(Named(name, url, str(targets[0])))
    wanted = list(zip((part.remote for part in plan), targets, strict=True))
    transfer.check_room(_basename(url), wanted)
    transfer.report.total = sum(remote.size for remote, _ in wanted)
    if _drop_others(home, folder):
        note = "the file changed at the source: it begins again"
        transfer.report.progress("downloading", plan[0].name, 0, note)
    stored = [transfer.fetch(remote, target) for remote, target in wanted]
    digests = {
        str(file.path): _digest(file, remote, transfer)
        for file, (remote, _) in zip(stored, wanted, strict=True)
    }
    return Fetched(
        files=[str(file.path) for file in stored],
        repo=_host(url),
        revision=first.etag,
        selector=plan[0].name,
        fresh=True,  # nobody else puts files there
        name=name,
        source=url,
        digests={path: digest for path, digest in digests.items() if digest},
    )


def _digest(file: Stored, remote: Remote, transfer: Transfer) -> str:
    """Return the digest of a file; one that was there already is checked against what is wanted."""
    if file.fresh:
        return file.sha256
    known = find_from(transfer.terms.records_folder, remote.url, file.size)
    if remote.sha256 and not known:
        with file.path.open("rb") as opened:
            known = hashlib.file_digest(opened, "sha256").hexdigest()
    if remote.sha256 and known != remote.sha256:
        raise DownloadFailed(
            f"{remote.name} is here already and is not what it should be: "
            f"SHA-256 {remote.sha256} expected, it has {known}.",
            hint="Check the digest behind the address.",
            expected=remote.sha256,
            got=known,
        )
    return known


def addresses(url: str) -> list[str]:
    """Return the addresses of all parts of a split model, in order; of another file, its own."""
    head, dot, query = url.partition("?")
    match = _PART.search(head)
    count = int(match["count"]) if match else 0
    if match is None or not 0 < count <= _MOST_PARTS:
        return [url]
    before, after = head[: match.start()], head[match.end() :]
    return [
        f"{before}-{number:05}-of-{count:05}{after}{dot}{query}" for number in range(1, count + 1)
    ]


def _look(url: str, sha256: str, transfer: Transfer) -> Planned:
    remote = Remote(url=url, name=_basename(url), sha256=sha256)
    try:
        found, headers = transfer.look(remote)
    except Refused as refused:
        raise explained(refused, remote.name) from refused
    named = file_name(url, headers)
    # parts find each other by their names, whatever the server calls them
    return Planned(found, _basename(url) if _PART.search(named) else named)


def file_name(url: str, headers: Mapping[str, str]) -> str:
    """Return a safe name for what an address gives: as the server calls it (RFC 6266), else as the
    address ends.
    """
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    offered = message.get_filename() or ""
    name = _safe(offered) or _basename(url)
    return name if name.lower().endswith(".gguf") else f"{name}.gguf"


def _basename(url: str) -> str:
    return _safe(unquote(urlsplit(url).path).rpartition("/")[2]) or "model"


def _safe(name: str) -> str:
    name = re.sub(r"[^\w.+@=-]+", "-", name.replace("\\", "/").rpartition("/")[2]).strip("-.")
    stem, dot, ending = name.rpartition(".")
    while len(os.fsencode(name)) > _LONGEST_NAME:
        stem = stem[:-1]
        name = f"{stem}{dot}{ending}" if stem else name[:-1]
    return name


def _host(url: str) -> str:
    return re.sub(r"[^a-z0-9.-]", "_", urlsplit(url).netloc.lower())


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_KEY_LENGTH]


def _drop_others(home: Path, wanted: Path) -> bool:
    """Delete what is incomplete of other versions and nobody works on; return whether there was
    any.
    """
    found = False
    for unfinished in sorted(home.glob(f"*/*{SUFFIX}")):
        folder = unfinished.parent
        if folder != wanted and not _worked_on(unfinished):
            found = True
            whole = [file for file in folder.glob("*.gguf") if file.is_file()]
            if not whole:
                shutil.rmtree(folder, ignore_errors=True)
    return found


def _worked_on(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def main(arguments: list[str]) -> int:
    """Run the program."""
    url, sha256, models_dir = arguments
    return run("https", lambda transfer: _tidied(url, sha256, Path(models_dir), transfer))


def _tidied(url: str, sha256: str, models_dir: Path, transfer: Transfer) -> Fetched:
    home = models_dir / "web" / _host(url) / _key(addresses(url)[0])
    try:
        return pull(url, sha256, models_dir, transfer)
    except CorruptFile:
        for folder in (*home.glob("*"), home):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
