from __future__ import annotations

import msgspec

from llmd.protocol.accounts import ApiKey, NewKey, TokenPair, User
from llmd.protocol.callers import Role, Scope


def test_accounts_and_keys_travel_as_json_without_secrets() -> None:
    user = User(id="u", name="张伟", role=Role.ADMIN, created_at=1.5)
    assert msgspec.json.decode(msgspec.json.encode(user), type=User) == user
    key = ApiKey(id="k", prefix="llmd-abc", scopes=frozenset({Scope.GENERATE}), created_at=2.0)
    wire = msgspec.json.decode(msgspec.json.encode(key))
    assert wire["scopes"] == ["generate"]
    assert {"secret", "digest", "password"} & {*wire, *msgspec.to_builtins(user)} == set()
    assert msgspec.to_builtins(NewKey(key=key, secret="llmd-x"))["secret"] == "llmd-x"


def test_a_token_pair_has_the_fields_of_the_documents() -> None:
    pair = TokenPair(access_token="a", refresh_token="r", expires_in=900)
    assert msgspec.to_builtins(pair) == {
        "access_token": "a",
        "refresh_token": "r",
        "token_type": "bearer",
        "expires_in": 900,
    }
