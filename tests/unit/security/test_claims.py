from __future__ import annotations

import pytest

from llmd.security.claims import looks_like_token


@pytest.mark.parametrize("text", ["eyJh.eyJz.c2ln", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
def test_a_jwt_is_recognised_even_without_a_signature(text: str) -> None:
    assert looks_like_token(text)


@pytest.mark.parametrize("text", ["any-key", "sk-a.b.c", "eyJ", "a.b.c", "eyJh.eyJz.c2ln\n", ""])
def test_keys_of_clients_are_no_jwts(text: str) -> None:
    assert not looks_like_token(text)
