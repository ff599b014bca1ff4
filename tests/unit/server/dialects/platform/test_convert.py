from __future__ import annotations

import msgspec
import pytest

from llmd.errors import InvalidRequest
from llmd.protocol.accounts import ApiKey, User
from llmd.protocol.callers import Role, Scope
from llmd.protocol.limits import Allowance
from llmd.protocol.models import Preset, SamplingDefaults
from llmd.server.dialects.platform import convert, schema
from llmd.server.http.body import decode_json
from tests.fakes.worker import manifest


def test_answers_are_wrapped() -> None:
    assert msgspec.json.encode(convert.envelope([1])) == (
        b'{"code":0,"message":"Success","data":[1]}'
    )


@pytest.mark.parametrize(
    ("page", "size", "items"),
    [(1, 2, ["0", "1"]), (3, 2, ["4"]), (9, 2, []), (1, 1000, ["0", "1", "2", "3", "4"])],
)
def test_lists_come_in_pages(page: int, size: int, items: list[str]) -> None:
    found = convert.listing(range(5), schema.Page(page, size), str)
    assert (found.items, found.total, found.page, found.page_size) == (items, 5, page, size)


def test_an_account_has_no_secret() -> None:
    found = User(id="1", name="王", role=Role.ADMIN, created_at=1672531200.7, last_login=None)
    assert msgspec.json.decode(msgspec.json.encode(convert.user(found))) == {
        "id": "1",
        "username": "王",
        "role": "admin",
        "enabled": True,
        "created_at": "2023-01-01T00:00:00Z",
        "last_login": None,
        "limits": msgspec.to_builtins(Allowance()),
    }


def test_a_key_shows_its_secret_once() -> None:
    found = ApiKey(
        id="1",
        prefix="llmd-ab",
        scopes=frozenset({Scope.SESSIONS, Scope.GENERATE}),
        created_at=1672531200,
        expires_at=1672531260,
    )
    shown = msgspec.json.decode(msgspec.json.encode(convert.key(found)))
    assert shown["scopes"] == ["generate", "sessions"]
    assert shown["expires_at"] == "2023-01-01T00:01:00Z"
    assert (shown["user_id"], shown["last_used"]) == (None, None)
    assert "key" not in shown
    assert convert.created_key(found, "llmd-abc").key == "llmd-abc"


def test_changes_say_only_what_they_say() -> None:
    known = Allowance(tokens_per_day=7, requests_per_minute=9, concurrent=2)
    changes = convert.user_changes(decode_json(b'{"enabled":false}', schema.UserChange), known)
    assert (changes.enabled, changes.name, changes.role, changes.limits) == (
        False,
        None,
        None,
        None,
    )
    body = b'{"limits":{"tokens_per_day":5,"requests_per_minute":null}}'
    kept = Allowance(tokens_per_day=5, concurrent=2)
    key = convert.key_changes(decode_json(body, schema.KeyChange), known)
    assert (key.name, key.enabled, key.limits) == (None, None, kept)
    assert convert.user_changes(decode_json(body, schema.UserChange), known).limits == kept


def test_a_model_is_shown_with_what_was_laid_upon_it() -> None:
    preset = Preset(base="m", system="Arr", sampling=SamplingDefaults(top_k=1))
    found = convert.model(
        msgspec.structs.replace(manifest("pirate"), preset=preset), frozenset({"pirate"})
    )
    assert (found.id, found.base, found.system, found.loaded) == ("pirate", "m", "Arr", True)
    assert msgspec.to_builtins(found.sampling) == {"top_k": 1}
    assert convert.model(manifest("m"), frozenset()).base is None


def test_an_order_becomes_a_recipe() -> None:
    body = b'{"system":"","sampling":{"top_k":1,"stop":["x"]},"options":{"keep_alive":-1}}'
    found = convert.recipe(decode_json(body, schema.ModelChange))
    assert (found.base, found.system, found.sampling) == (
        "",
        "",
        SamplingDefaults(top_k=1, stop=["x"]),
    )
    assert found.options.keep_alive == -1


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"sampling":{"top_k":-1}}', "sampling.top_k"),
        (b'{"options":{"parallel":0}}', "options.parallel"),
        (b'{"messages":[{"role":"king","content":"x"}]}', "messages.0.role"),
    ],
)
def test_figures_that_cannot_be_are_named(body: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        convert.recipe(decode_json(body, schema.ModelChange))
    assert refused.value.param == param


@pytest.mark.parametrize(
    "body", [b'{"nonsense":1}', b'{"options":{"nonsense":1}}', b'{"sampling":{"nonsense":1}}']
)
def test_nothing_of_an_order_is_passed_over(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_json(body, schema.ModelChange)
