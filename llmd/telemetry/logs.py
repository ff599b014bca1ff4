"""structlog over the standard library: JSON lines in a rotating file, and readable lines on a
terminal in the foreground.

A thread does the writing, so that a slow disk never stops the event loop.
"""

from __future__ import annotations

import atexit
import logging
import logging.handlers
import queue
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from llmd.config.settings import LogSettings

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def start_logging(file: Path, settings: LogSettings, *, foreground: bool) -> Callable[[], None]:
    """Send all logs to `file`, and to stderr in the foreground; return the function that flushes
    and stops.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    to_file = _Rotating(
        file, maxBytes=settings.max_size, backupCount=settings.backups, encoding="utf-8"
    )
    to_file.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False)))
    handlers: list[logging.Handler] = [to_file]
    if foreground:
        to_terminal = logging.StreamHandler(sys.stderr)
        to_terminal.setFormatter(
            _formatter(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
        )
        handlers.append(to_terminal)
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, *handlers)
    root = logging.getLogger()
    root.handlers = [_KeepRecord(waiting)]
    root.setLevel(settings.level.upper())
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    listener.start()

    def stop() -> None:
        atexit.unregister(stop)
        listener.stop()
        root.handlers = []
        to_file.close()

    atexit.register(stop)
    return stop


class _Rotating(logging.handlers.RotatingFileHandler):
    """Starts a new file also where no old ones are kept; the standard library goes on with it."""

    def doRollover(self) -> None:  # noqa: N802  its base names it so
        if not self.backupCount:
            Path(self.baseFilename).unlink(missing_ok=True)
        super().doRollover()


class _KeepRecord(logging.handlers.QueueHandler):
    """Hands records over as they are: structlog's formatter needs its event dict, not text."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


def _formatter(renderer: structlog.typing.Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.processors.format_exc_info],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
