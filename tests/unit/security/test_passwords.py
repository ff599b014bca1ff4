from __future__ import annotations

from llmd.security.passwords import Passwords
from tests.fakes.hashing import quick_passwords


def test_a_password_is_told_from_others() -> None:
    passwords = quick_passwords()
    stored = passwords.hash("correct horse 电池")
    assert "correct" not in stored
    assert passwords.verify(stored, "correct horse 电池")
    assert not passwords.verify(stored, "Correct horse 电池")
    assert not passwords.verify(stored, "")


def test_one_password_has_many_hashes() -> None:
    passwords = quick_passwords()
    assert passwords.hash("the same one") != passwords.hash("the same one")


def test_nobody_has_no_password() -> None:
    passwords = quick_passwords()
    assert not passwords.verify(None, "nobody has this password")
    assert not passwords.verify("no hash at all", "x")


def test_what_no_form_can_send_is_no_password() -> None:
    passwords = quick_passwords()
    stored = passwords.hash("password")
    assert not passwords.verify(stored, "\ud800")
    assert not passwords.verify(stored, "x" * 100_000)


def test_hashes_of_weaker_parameters_are_outdated() -> None:
    stored = quick_passwords(1).hash("password")
    assert not quick_passwords(1).outdated(stored)
    stronger = quick_passwords(2)
    assert stronger.outdated(stored)
    assert stronger.verify(stored, "password")


def test_the_usual_parameters_are_argon2id_with_64_mib() -> None:
    assert Passwords().hash("password").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
