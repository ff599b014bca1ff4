"""What huggingface_hub and its HTTP client raise, in llmd's words; imported by the child process
alone.
"""

from __future__ import annotations

import errno

import httpx2
from huggingface_hub import constants
from huggingface_hub import errors as hub

from llmd.errors import (
    AccessDenied,
    DownloadFailed,
    InvalidRequest,
    LlmdError,
    ModelNotFound,
    NoRoom,
)

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({401, 403})
_TOO_MANY = 429
_KEPT = "What has come is kept; run the same command again to go on from there."


def translate(error: Exception, repo: str) -> LlmdError:
    """Return the error to report."""
    return _about_repository(error, repo) or _about_transport(error, repo) or _about_disk(error)


def _about_repository(error: Exception, repo: str) -> LlmdError | None:
    match error:
        case hub.GatedRepoError():
            return AccessDenied(
                f"{repo} is gated: its licence must be accepted first.",
                hint=f"Accept it at {constants.ENDPOINT}/{repo}, then set HF_TOKEN to a token of "
                "that account where the daemon runs.",
            )
        case hub.RepositoryNotFoundError():
            return ModelNotFound(
                f"The hub has no repository {repo}, or it is private.",
                hint="Check the spelling; for a private one set HF_TOKEN where the daemon runs.",
                param="name",
            )
        case hub.HFValidationError():
            return InvalidRequest(
                f"{repo} is not a repository name.", hint="It looks like OWNER/REPO.", param="name"
            )
        case hub.RemoteEntryNotFoundError() | hub.RevisionNotFoundError():
            return DownloadFailed(f"A file of {repo} vanished from the hub.", hint="Try again.")
    return None


def _about_transport(error: Exception, repo: str) -> LlmdError | None:
    match error:
        case hub.OfflineModeIsEnabled():
            return DownloadFailed(
                "HF_HUB_OFFLINE forbids downloads.", hint="Unset it where the daemon runs."
            )
        case hub.LocalEntryNotFoundError():
            return _unreachable(error.__cause__ or error)
        case hub.HfHubHTTPError():
            return _answer(error, repo)
        case httpx2.HTTPError():
            return _unreachable(error)
        case hub.FileMetadataError() | ValueError():
            return DownloadFailed(
                f"{constants.ENDPOINT} does not answer like a Hugging Face hub.",
                hint="See HF_ENDPOINT.",
            )
    return None


def _about_disk(error: Exception) -> LlmdError:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return NoRoom("The disk is full.", hint=f"Free some space. {_KEPT}")
    return DownloadFailed(f"The file could not be stored: {error}.", hint=_KEPT)


def _answer(error: hub.HfHubHTTPError, repo: str) -> LlmdError:
    status = error.response.status_code
    if status in _DENIED:
        return AccessDenied(
            f"The hub refuses access to {repo}: {error.server_message or f'HTTP {status}'}.",
            hint="Check HF_TOKEN where the daemon runs.",
        )
    if status == _TOO_MANY:
        return DownloadFailed(
            "The hub says there were too many requests.", hint=f"Wait some minutes. {_KEPT}"
        )
    return DownloadFailed(f"The hub answered HTTP {status}.", hint=_KEPT)


def _unreachable(error: BaseException) -> DownloadFailed:
    reason = str(error) or type(error).__name__
    return DownloadFailed(f"No connection to {constants.ENDPOINT}: {reason}.", hint=_KEPT)
