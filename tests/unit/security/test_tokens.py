from __future__ import annotations

import base64
import json
import time

import jwt
import pytest

from llmd.errors import Unauthorized
from llmd.security.claims import Claims, TokenKind
from llmd.security.tokens import Tokens

SECRET = b"s" * 64
NOW = 1_000_000.0


def claims(kind: TokenKind = TokenKind.ACCESS, **changed: object) -> Claims:
    fields = {"user": "u", "family": "f", "id": "j", "issued_at": 999_990, "expires_at": 1_000_900}
    return Claims(kind=kind, **{**fields, **changed})  # type: ignore[arg-type]  # a test's shorthand


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET)


def refused(tokens: Tokens, token: str, kind: TokenKind = TokenKind.ACCESS) -> str:
    with pytest.raises(Unauthorized) as error:
        tokens.read(token, kind, NOW)
    return str(error.value)


def payload(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("kind", list(TokenKind))
def test_what_was_signed_is_read(tokens: Tokens, kind: TokenKind) -> None:
    assert tokens.read(tokens.sign(claims(kind)), kind, NOW) == claims(kind)


def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(tokens: Tokens) -> None:
    assert refused(tokens, tokens.sign(claims(TokenKind.REFRESH)), TokenKind.ACCESS)
    assert refused(tokens, tokens.sign(claims(TokenKind.ACCESS)), TokenKind.REFRESH)


def test_the_kind_counts_even_where_the_audience_fits(tokens: Tokens) -> None:
    body = payload(tokens.sign(claims())) | {"typ": "refresh"}
    assert refused(tokens, jwt.encode(body, SECRET, "HS256"))


def test_an_expired_token_is_refused_by_the_clock_that_is_passed_in(tokens: Tokens) -> None:
    token = tokens.sign(claims(expires_at=int(NOW)))
    assert "expired" in refused(tokens, token)
    assert tokens.read(token, TokenKind.ACCESS, NOW - 1)
    later = tokens.sign(claims(expires_at=int(time.time()) + 60))
    with pytest.raises(Unauthorized, match="expired"):
        tokens.read(later, TokenKind.ACCESS, time.time() + 61)


def test_the_algorithm_none_is_refused(tokens: Tokens) -> None:
    body = payload(tokens.sign(claims()))
    for algorithm in ("none", "None", "NONE"):
        header = {"alg": algorithm, "typ": "JWT"}
        assert refused(tokens, f"{encoded(header)}.{encoded(body)}.")


def test_another_secret_and_another_algorithm_are_refused(tokens: Tokens) -> None:
    body = payload(tokens.sign(claims()))
    assert refused(tokens, jwt.encode(body, b"t" * 64, "HS256"))
    assert refused(tokens, jwt.encode(body, SECRET, "HS512"))


def test_a_changed_payload_is_refused(tokens: Tokens) -> None:
    header, body, signature = tokens.sign(claims()).split(".")
    changed = payload(f"{header}.{body}.{signature}") | {"sub": "somebody else"}
    assert refused(tokens, f"{header}.{encoded(changed)}.{signature}")


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "exp", "iat", "jti", "typ", "fam"])
def test_every_claim_is_needed(tokens: Tokens, missing: str) -> None:
    body = payload(tokens.sign(claims()))
    del body[missing]
    assert refused(tokens, jwt.encode(body, SECRET, "HS256"))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "other"),
        ("aud", "llmd:refresh"),
        ("sub", 7),
        ("exp", "soon"),
        ("typ", "odd"),
        ("fam", None),
    ],
)
def test_claims_of_other_kinds_are_refused(tokens: Tokens, claim: str, value: object) -> None:
    body = payload(tokens.sign(claims())) | {claim: value}
    # the layer below, which signs anything
    signed = jwt.api_jws.encode(json.dumps(body).encode(), SECRET, "HS256")
    assert refused(tokens, signed)


@pytest.mark.parametrize(
    "token", ["", "eyJ.eyJ.x", "a.b.c", "eyJh", "eyJhbGciOiJIUzI1NiJ9..", "\udcff"]
)
def test_rubbish_is_refused_without_a_bug(tokens: Tokens, token: str) -> None:
    assert refused(tokens, token)
