from __future__ import annotations

import pytest
from msgspec import UNSET

from llmd.errors import Draining, InvalidRequest, LlmdError, ModelNotFound, RateLimited
from llmd.server.completions.problems import problem


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("no", param="n"), "invalid_request_error"),
        (ModelNotFound("no"), "not_found_error"),
        (RateLimited("no", retry_after=1), "rate_limit_error"),
        (Draining("no"), "server_error"),
    ],
)
def test_errors_have_the_types_of_openai(error: LlmdError, kind: str) -> None:
    found = problem(error)
    assert (found.type, found.code, found.param) == (kind, error.code, error.param)


def test_figures_stand_under_details() -> None:
    assert problem(RateLimited("no", retry_after=1)).details == {"retry_after": 1}
    assert problem(InvalidRequest("no", hint="do")).details is UNSET
    assert problem(InvalidRequest("No.", hint="Do.")).message == "No. Do."
