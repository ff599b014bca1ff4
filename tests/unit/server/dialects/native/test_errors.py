from __future__ import annotations

import json

from llmd.errors import ModelNotFound
from llmd.server.dialects.native.errors import encode


def test_the_documented_shape() -> None:
    body = json.loads(encode(ModelNotFound("No such model.", hint="Pull it.")))
    assert body == {
        "error": {"code": "MODEL_NOT_FOUND", "message": "No such model.", "details": "Pull it."}
    }
