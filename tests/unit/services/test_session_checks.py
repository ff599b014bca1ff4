from __future__ import annotations

import pytest

from llmd.errors import InvalidRequest, NotFound
from llmd.protocol.callers import EVERYTHING, USUAL, Caller, Scope
from llmd.protocol.sessions import NewMessage
from llmd.services import session_checks as checks

ID = "00000000-0000-4000-8000-00000000000a"


def test_sessions_belong_to_an_account_else_to_a_key_else_to_all() -> None:
    assert checks.whose(Caller(user="anna", key="k")) == "anna"
    assert checks.whose(Caller(key="k")) == "key:k"
    assert checks.whose(Caller()) == ""


def test_owners_and_admins_see_all_but_where_they_are_people_themselves() -> None:
    for caller in (Caller(owner=True), Caller(user="root", scopes=EVERYTHING)):
        assert checks.seen(caller) is None
        assert checks.seen(checks.personal(caller)) == caller.user
    mine = checks.personal(Caller(user="root", scopes=EVERYTHING, client="c"))
    assert (mine.user, mine.client) == ("root", "c")
    assert mine.scopes == EVERYTHING - {Scope.ADMIN}
    assert checks.seen(Caller(user="anna", scopes=USUAL)) == "anna"


def test_what_cannot_be_an_id_is_not_there() -> None:
    assert checks.identity(ID.upper()) == ID
    for wrong in ("", "x", ID + "0", ID + "\n", "\0", "%"):
        with pytest.raises(NotFound):
            checks.identity(wrong)


def test_texts_are_whole_and_not_too_long() -> None:
    assert checks.title_text("  新 ") == "新"
    assert checks.words_text(" a ") == "a"
    for wrong in ("x" * (checks.LONGEST_TITLE + 1), "\0", "\ud800"):
        with pytest.raises(InvalidRequest) as caught:
            checks.title_text(wrong)
        assert caught.value.param == "title"
        with pytest.raises(InvalidRequest) as caught:
            checks.words_text(wrong)
        assert caught.value.param == "words"


def test_messages_have_a_role_a_count_and_an_id() -> None:
    kept = checks.kept(NewMessage(role="user", content="a", tokens=3), ID, 5.0)
    assert (kept.session_id, kept.created_at, kept.tokens) == (ID, 5.0, 3)
    assert checks.identity(kept.id) == kept.id
    for field, wrong in (
        ("role", "king"),
        ("tokens", -1),
        ("tokens", 2**31),
        ("content", "\ud800"),
    ):
        told = {"role": "user", "content": "a", "tokens": None, field: wrong}
        with pytest.raises(InvalidRequest) as caught:
            checks.kept(NewMessage(**told), ID, 5.0)  # type: ignore[arg-type]  # what is refused
        assert caught.value.param == field


def test_pages_have_a_beginning_and_a_length() -> None:
    checks.check_page(0, checks.LONGEST_PAGE)
    for skip, limit in ((-1, 1), (2**63, 1), (0, 0), (0, checks.LONGEST_PAGE + 1)):
        with pytest.raises(InvalidRequest):
            checks.check_page(skip, limit)
