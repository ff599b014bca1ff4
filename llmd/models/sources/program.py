"""What all source programs share: their lines on standard output, the daemon's on standard input,
and that they end when that does.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import msgspec

from llmd.errors import DownloadFailed, LlmdError
from llmd.models.sources.lines import TERMS, Failed, Fetched, Pace, Terms, Told
from llmd.models.sources.report import Report
from llmd.models.sources.transfer import Looked, Refused, Transfer
from llmd.models.sources.transfer.faults import disk_fault, explained

_BLOCK = 4096

Translate = Callable[[Exception], LlmdError | None]


def run(
    source: str,
    work: Callable[[Transfer], Fetched],
    translate: Translate = lambda _: None,
    foreign: tuple[type[Exception], ...] = (),
) -> int:
    """Do the work of a program and write its result; return the exit code.

    `source` is the program's name in records. `translate` makes an LlmdError of what `work` raises,
    of types beside LlmdError, Refused and OSError those named in `foreign`; None: the usual words.
    """
    # standard output carries lines alone, whatever a library prints
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    understood: tuple[type[Exception], ...] = (Refused, OSError, *foreign)
    agreed = terms(os.environ.get(TERMS, ""))
    report = Report(out, asks=agreed.asks)
    transfer = Transfer(report, agreed, source)
    threading.Thread(target=_listen, args=(transfer,), daemon=True).start()
    try:
        report.line(work(transfer))
    except Looked:
        pass  # all that was asked has been said
    except LlmdError as error:
        report.line(Failed(error.to_wire()))
    except understood as error:
        report.line(Failed((translate(error) or _usual(error)).to_wire()))
    return 0


def terms(text: str) -> Terms:
    """Read the terms; what cannot be read means the usual ones."""
    try:
        return msgspec.json.decode(text, type=Terms)
    except msgspec.MsgspecError:
        return Terms()


def _usual(error: Exception) -> LlmdError:
    if isinstance(error, Refused):
        return explained(error, error.url)
    if isinstance(error, OSError):
        return disk_fault(error, str(error.filename or "The file"))
    return DownloadFailed(f"It could not be fetched: {error}.")


def _listen(transfer: Transfer) -> None:
    # os.read, not sys.stdin: that one's lock, held here for ever, would abort the interpreter's own
    # ending
    waiting = b""
    while block := os.read(0, _BLOCK):
        *lines, waiting = (waiting + block).split(b"\n")
        for line in lines:
            told = msgspec.json.decode(line, type=Told)
            if isinstance(told, Pace):
                transfer.budget.change(told.limit)
            else:
                transfer.report.allow()
    os._exit(1)
