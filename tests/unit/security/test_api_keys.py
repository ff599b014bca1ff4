from __future__ import annotations

import hashlib
import hmac

import pytest

from llmd.security import api_keys


def test_keys_are_well_formed_and_all_different() -> None:
    keys = {api_keys.make_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(api_keys.well_formed(key) and len(key) == 51 for key in keys)
    assert all(key.startswith("llmd-") and key.isascii() for key in keys)


@pytest.mark.parametrize("place", [5, 20, 44, 50])
def test_a_mistyped_key_is_not_well_formed(place: int) -> None:
    key = api_keys.make_key()
    other = "a" if key[place] != "a" else "b"
    assert not api_keys.well_formed(key[:place] + other + key[place + 1 :])


@pytest.mark.parametrize(
    "forged",
    ["llmd-", "llmd-" + "a" * 46, "llmd-' OR 1=1 --", "sk-any", "", "llmd-\udcff" + "a" * 45],
)
def test_what_llmd_never_made_is_not_well_formed(forged: str) -> None:
    assert not api_keys.well_formed(forged)


def test_a_newline_behind_a_key_is_not_forgiven() -> None:
    assert not api_keys.well_formed(api_keys.make_key() + "\n")


def test_only_our_prefix_looks_like_ours() -> None:
    assert api_keys.looks_like_ours("llmd-whatever")
    assert not api_keys.looks_like_ours("sk-llmd-whatever")


def test_the_beginning_is_shown_and_the_digest_stored() -> None:
    key = api_keys.make_key()
    assert api_keys.shown(key) == key[:13]
    assert api_keys.digest(key) == hashlib.sha256(key.encode()).hexdigest()
    assert api_keys.digest("\udcff")


def test_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    assert api_keys.same("ab", "ab")
    assert not api_keys.same("ab", "ac")
    assert compared == [("ab", "ab"), ("ab", "ac")]
