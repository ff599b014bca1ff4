from __future__ import annotations

from llmd.server.dialects.platform.routes.answers import enveloped


def test_every_answer_is_wrapped_alike() -> None:
    found = enveloped(None)
    assert found.body == b'{"code":0,"message":"Success","data":null}'
    assert (found.status, found.content_type) == (200, "application/json")
