from __future__ import annotations

import re

import pytest

from llmd.security import stamps

SECRET = b"s" * 64


def test_a_stamp_counts_for_its_visit_and_no_other() -> None:
    made = stamps.stamp(SECRET, "visit")
    assert stamps.same(SECRET, "visit", made)
    assert not stamps.same(SECRET, "another", made)
    assert not stamps.same(SECRET, "visit\0token", made)


def test_a_stamp_ends_with_the_secret() -> None:
    assert not stamps.same(b"t" * 64, "visit", stamps.stamp(SECRET, "visit"))


def test_a_stamp_is_text_for_headers_and_tells_nothing() -> None:
    made = stamps.stamp(SECRET, "visit")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made)
    assert "visit" not in made


@pytest.mark.parametrize("shown", ["", " ", "x", "ä", "\ud800", "x" * 100_000])
def test_anything_else_counts_for_nothing(shown: str) -> None:
    assert not stamps.same(SECRET, "visit", shown)


@pytest.mark.parametrize("visit", ["", "ä", "\ud800"])
def test_odd_visits_have_stamps_too(visit: str) -> None:
    assert stamps.same(SECRET, visit, stamps.stamp(SECRET, visit))


def test_a_stamp_is_of_no_use_as_the_signature_of_a_token() -> None:
    signed = "eyJhbGciOiJIUzI1NiJ9.e30"
    made = stamps.stamp(SECRET, signed)
    import base64
    import hashlib
    import hmac

    signature = hmac.new(SECRET, signed.encode(), hashlib.sha256).digest()
    assert made != base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
