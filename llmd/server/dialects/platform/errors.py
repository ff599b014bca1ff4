"""LlmdError in the envelope: `data` is null and `code` a number.

The first three digits are the HTTP status, but for 40001, which the document gives to a wrong API
key (its status is 401):

    40000  the request is wrong                40900  the name is taken
    40001  the API key is wrong                40901  the model is busy
    40002  the prompt does not fit             41300  the body is too large
    40003  the schema cannot be enforced       42200  the file is no usable model
    40100  credentials are missing or wrong    42900  a limit is used up
    40300  this needs other rights             42901  too many requests wait
    40400  there is no such thing              50000  llmd's or the model's failure
    40401  there is no such model              50200  the source of models failed
    40402  the model is not loaded             50300  try again later
    40500  the path takes other methods        50700  memory or disk is full
"""

from __future__ import annotations

import msgspec

from llmd.errors import InvalidKey, LlmdError

_INVALID_KEY = 40001
_CODES = {
    "context_length_exceeded": 40002,
    "constraint_refused": 40003,
    "model_not_found": 40401,
    "model_not_loaded": 40402,
    "model_busy": 40901,
    "queue_full": 42901,
}


class ErrorEnvelope(msgspec.Struct, frozen=True):
    """The body of every error answer."""

    code: int
    message: str
    data: None = None


def envelope(error: LlmdError) -> ErrorEnvelope:
    """Return what stands for an error."""
    if isinstance(error, InvalidKey):
        return ErrorEnvelope(_INVALID_KEY, "Invalid API Key")
    return ErrorEnvelope(_CODES.get(error.code, error.status * 100), str(error))


def encode(error: LlmdError) -> bytes:
    """Return the body of an error answer, or the event of a stream."""
    return msgspec.json.encode(envelope(error))
