"""The transfers of one program: small answers into memory, large files onto the disk."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from llmd.errors import CorruptFile, DownloadFailed
from llmd.models.sources.lines import Progress, Terms
from llmd.models.sources.report import Report
from llmd.models.sources.transfer import looking, patience, pieces, room
from llmd.models.sources.transfer.budget import Budget
from llmd.models.sources.transfer.crew import Crew
from llmd.models.sources.transfer.exchange import Exchange
from llmd.models.sources.transfer.faults import KEPT, Changed, Cut, Refused, explained
from llmd.models.sources.transfer.following import Follower
from llmd.models.sources.transfer.journal import Identity
from llmd.models.sources.transfer.partial import Busy, Partial, waiting_size
from llmd.models.sources.transfer.patience import Patience
from llmd.models.sources.transfer.remote import Remote, Reply, Stored

_T = TypeVar("_T")

_LOOK_AGAIN = 0.25
_MOST_CHANGES = 3
_LARGEST_REPLY = 16 * 2**20


class Looked(Exception):
    """A program that only looks has seen all there is."""


class Transfer:
    """Fetches files one after the other, each as quickly as it comes."""

    def __init__(self, report: Report, terms: Terms, source: str = "") -> None:
        self.report = report
        self.terms = terms
        self.budget = Budget(terms.limit)
        self._source = source

    def ask(
        self, url: str, headers: Mapping[str, str] | None = None, *, limit: int = _LARGEST_REPLY
    ) -> Reply:
        """Return a small answer, such as a listing.

        Waits out what passes. Raises Refused for other error statuses, DownloadFailed when there is
        no answer or one larger than `limit`.
        """
        exchange = Exchange(self.terms.stall_timeout)

        def once() -> Reply:
            answer = exchange.get(url, headers or {})
            body = answer.body(limit + 1)
            if len(body) > limit:
                raise DownloadFailed(f"{url} answers with more than {limit} bytes.")
            return Reply(answer.status, answer.url, answer.headers, body)

        try:
            return self._patiently(once)
        except Cut as cut:
            raise explained(cut, url) from cut
        finally:
            exchange.close()

    def look(self, remote: Remote) -> tuple[Remote, Mapping[str, str]]:
        """Return what the server says of a file, its first bytes checked, and the headers; raise
        Refused, CorruptFile or DownloadFailed.
        """
        exchange = Exchange(self.terms.stall_timeout)
        try:
            return self._patiently(lambda: looking.look(exchange, remote))
        except Cut as cut:
            raise explained(cut, remote.name) from cut
        finally:
            exchange.close()

    def check_room(self, what: str, wanted: Iterable[tuple[Remote, Path]], hint: str = "") -> None:
        """Raise NoRoom unless the files fit, what has come already counts; raise Looked where it is
        only looked.
        """
        sizes = [(remote.size, target) for remote, target in wanted]
        if self.terms.look:
            missing = sum(max(size - waiting_size(target), 0) for size, target in sizes)
            total = self.report.total or sum(size for size, _ in sizes)
            self.report.line(Progress("found", what, total - missing, total))
        room.check_room(what, sizes, hint)
        if self.terms.look:
            self.report.line(Progress("room", what))
            raise Looked

    def fetch(self, remote: Remote, target: Path) -> Stored:
        """Bring a file to its place, or wait while another process does.

        Raises DownloadFailed, AccessDenied, ModelNotFound, CorruptFile or NoRoom; but for
        CorruptFile what has come is kept.
        """
        waited = False
        while not _is_there(target, remote.size):
            try:
                identity = Identity(remote.size, remote.sha256, remote.etag)
                with Partial(target, identity) as partial:
                    if not _is_there(target, remote.size):
                        stored = self._fetched(remote, partial)
                        self.report.complete += stored.size
                        return stored
            except Busy:
                waited = True
                note = "another process fetches it"
                self.report.progress("waiting", remote.name, waiting_size(target), note)
                time.sleep(_LOOK_AGAIN)
        size = target.stat().st_size
        self.report.complete += size
        return Stored(target, size, remote.sha256, fresh=waited)

    def _fetched(self, remote: Remote, partial: Partial) -> Stored:
        note = "the file changed at the source: it begins again" if partial.replaced else ""
        for _ in range(_MOST_CHANGES):
            try:
                digest = self._checked(remote, partial, note)
                break
            except Changed as changed:
                remote = self._changed(remote, changed)
                note = "the file changed at the source: it begins again"
                partial.restart(Identity(remote.size, remote.sha256, remote.etag))
            except CorruptFile:
                partial.discard()
                raise
        else:
            raise DownloadFailed(f"{remote.name} keeps changing at its source.", hint="Try later.")
        size, marks = partial.identity.size, partial.marks()
        partial.finish()
        if self.terms.records:
            status = partial.target.stat()
            record = pieces.Record(
                *(digest, size, remote.url, self._source, marks),
                inode=status.st_ino,
                changed=status.st_mtime_ns,
            )
            pieces.keep(Path(self.terms.records), record)
        return Stored(partial.target, size, digest, fresh=True)

    def _checked(self, remote: Remote, partial: Partial, note: str) -> str:
        digest = self._streamed(remote, partial, note)
        if remote.sha256 and digest != remote.sha256:
            again = "what came is not what the source says: it begins again"
            partial.restart()
            digest = self._streamed(remote, partial, again)
        if remote.sha256 and digest != remote.sha256:
            partial.discard()
            raise DownloadFailed(
                f"The bytes of {remote.name} are not what the source says they should be: "
                f"SHA-256 {remote.sha256} expected, {digest} came, twice.",
                hint="They are gone. Try another source, or report it to this one.",
                expected=remote.sha256,
                got=digest,
            )
        return digest

    def _streamed(self, remote: Remote, partial: Partial, note: str) -> str:
        follower = Follower(partial)
        crew = Crew(remote, partial, follower, self.budget, self.terms)

        def watch() -> None:
            verifying = partial.complete
            done = follower.position if verifying else partial.done
            said = crew.note or crew.remark or note
            if follower.damaged:
                said = f"{follower.damaged} damaged pieces on the disk are fetched again"
            self.report.progress(
                "verifying" if verifying else "downloading", remote.name, done, said
            )

        try:
            watch()
            return crew.run(watch)
        finally:
            follower.close()

    def _changed(self, remote: Remote, changed: Changed) -> Remote:
        if remote.sha256 and changed.size in {0, remote.size}:
            return remote  # what is on the disk does not fit together; the digest will tell
        if remote.sha256:
            raise DownloadFailed(
                f"{remote.name} has another length than it should: {remote.size} bytes expected, "
                f"the server has {changed.size}.",
                hint=KEPT,
                expected=remote.size,
                got=changed.size,
            )
        renewed, _ = self.look(replace(remote, size=0, etag=""))
        self.report.total += renewed.size - remote.size
        return renewed

    def _patiently(self, call: Callable[[], _T]) -> _T:
        waiting = Patience(patience.FIRST_DELAYS)
        while True:
            try:
                return call()
            except (Cut, Refused) as fault:
                if isinstance(fault, Refused) and not fault.passing:
                    raise
                wish = "" if isinstance(fault, Cut) else fault.headers.get("retry-after", "")
                pause = waiting.next(patience.wish(wish, time.time()), random.random())  # noqa: S311  no secret
                if pause is None:
                    raise
                time.sleep(pause)


def _is_there(target: Path, size: int) -> bool:
    """Whether a file is there, and as long as it should be (0: nobody says): a crash or a full disk
    leaves shorter ones.
    """
    try:
        found = target.stat().st_size
    except OSError:
        return False
    return size in {0, found}
