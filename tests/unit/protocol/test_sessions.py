from __future__ import annotations

import msgspec
import pytest

from llmd.protocol.sessions import NewMessage, Session, SessionMessage


def test_a_session_without_title_has_an_empty_one_and_is_active() -> None:
    made = Session(id="x", created_at=1.0, updated_at=1.0)
    assert (made.title, made.owner, made.model, made.is_active) == ("", "", "", True)


def test_a_kept_message_has_the_fields_of_a_new_one() -> None:
    kept = SessionMessage(role="user", content="x", id="i", session_id="s", created_at=1.0)
    assert isinstance(kept, NewMessage)
    assert msgspec.json.decode(msgspec.json.encode(kept)) == {
        "role": "user",
        "content": "x",
        "tokens": None,
        "metadata_info": {},
        "id": "i",
        "session_id": "s",
        "created_at": 1.0,
    }


@pytest.mark.parametrize("body", ['{"role": "user"}', '{"role": 1, "content": "x"}', "[]"])
def test_messages_without_role_or_content_are_refused(body: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=NewMessage)
