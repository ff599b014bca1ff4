from __future__ import annotations

import json

from llmd.errors import NoModel
from llmd.server.dialects.caiqitalk.errors import encode


def test_one_body_serves_clients_of_both_documents() -> None:
    assert json.loads(encode(NoModel("There is none.", hint="Pull one."))) == {
        "detail": "There is none. Pull one.",
        "error": {"code": "NO_MODEL", "message": "There is none.", "details": "Pull one."},
    }
