"""Opens the model and serves it on an inherited socket until the daemon closes it."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from llmd.chat.template import ChatTemplate
from llmd.engine.loading import Opened, open_model
from llmd.errors import LlmdError
from llmd.models.gguf.reading import read_model
from llmd.protocol.frames import Load, LoadError, Loading, Log, ToWorker
from llmd.runtime.channel import Channel
from llmd.runtime.worker.answers import Answers
from llmd.runtime.worker.assembly import Assembly
from llmd.runtime.worker.intake import Intake
from llmd.runtime.worker.loop import Worker
from llmd.runtime.worker.measuring import Promised, measured, resident

_PR_SET_PDEATHSIG = 1
_PROGRESS_STEP = 0.01


def _die_with_parent() -> None:
    """Have Linux kill this process when the daemon goes, even if it is stopped or stuck."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _open(channel: Channel, load: Load) -> Opened:
    shown, before = -1.0, resident()

    def progress(share: float) -> None:
        nonlocal shown
        if share - shown >= _PROGRESS_STEP or share >= 1:
            shown = share
            channel.send(Loading(share))

    opened = open_model(load, progress, lambda level, text: channel.send(Log(level, text)))
    facts = read_model(Path(load.path)).facts
    promised = Promised(opened.caches(load), opened.embedder.yet_to_come if load.embedding else 0)
    taken = measured(opened.footprint, facts, promised, before)
    return replace(opened, ready=msgspec.structs.replace(opened.ready, measured=taken))


def _template(opened: Opened, instead: str) -> ChatTemplate:
    vocab = opened.model.vocab
    bos = vocab.piece(vocab.bos, special=True).decode("utf-8", "replace") if vocab.bos >= 0 else ""
    eos = vocab.piece(vocab.eos, special=True).decode("utf-8", "replace") if vocab.eos >= 0 else ""
    source = instead or opened.model.chat_template()
    return ChatTemplate.choose(source, vocab.is_control, bos=bos, eos=eos)


def main(descriptor: int) -> int:
    """Serve one model on an inherited socket until the daemon closes it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        # Ctrl-C and a closed terminal are the daemon's to handle
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent()
    channel = Channel(socket.socket(fileno=descriptor))
    frames = channel.frames()
    load = next(frames, None)
    if not isinstance(load, Load):
        return 1
    try:
        opened = _open(channel, load)
        intake = Intake(
            opened.model.vocab,
            _template(opened, load.template),
            opened.ready.context_length,
            opened.media,
        )
        assembly = Assembly(opened, intake)
    except LlmdError as error:
        channel.send(LoadError(error.to_wire()))
        channel.flush()
        return 1
    worker = Worker(opened, assembly, Answers(opened, intake), channel)
    channel.send(opened.ready)
    threading.Thread(target=_read, args=(frames, worker), name="reader", daemon=True).start()
    threading.Thread(target=worker.prepare, name="preparer", daemon=True).start()
    if opened.media:
        threading.Thread(target=worker.illustrator.run, name="illustrator", daemon=True).start()
    gc.freeze()  # modules and vocabulary stay: looking through them for garbage would hold up steps
    worker.run()
    return 0


def _read(frames: Iterator[ToWorker], worker: Worker) -> None:
    try:
        for frame in frames:
            worker.take(frame)
    except OSError:
        pass  # the daemon is gone
    except Exception:  # noqa: BLE001  the boundary: a deaf process is of no use to anybody
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
