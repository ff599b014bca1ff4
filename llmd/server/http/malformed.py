"""What is no HTTP, in the log: one short line, and nothing of what was sent, which may hold secrets
or be endless.
"""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError

LOGGER = logging.getLogger("http.malformed")
"""The logger that aiohttp's server is given."""


class _Tersely(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Let bugs through as they are, and of clients' faults say only of what kind they are."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.msg = "a request that is no HTTP was refused: %s"
            record.args = (type(error).__name__,)
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


LOGGER.addFilter(_Tersely())
