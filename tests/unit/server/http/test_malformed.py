from __future__ import annotations

import logging

import pytest
from aiohttp.http_exceptions import LineTooLong

from llmd.server.http.malformed import LOGGER


def test_nothing_of_what_was_sent_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    error = LineTooLong("Authorization: Bearer sk-secret" * 100, 8190)
    LOGGER.error("Error handling request from %s", "127.0.0.1", exc_info=error)
    (record,) = caplog.records
    assert record.getMessage() == "a request that is no HTTP was refused: LineTooLong"
    assert record.levelno == logging.INFO
    assert "secret" not in caplog.text


def test_bugs_are_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    LOGGER.error("Unhandled exception", exc_info=KeyError("odd"))
    assert "KeyError: 'odd'" in caplog.text
