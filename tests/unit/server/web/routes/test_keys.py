from __future__ import annotations

import re
import time

import pytest

from llmd.protocol.callers import Role, Scope
from llmd.protocol.limits import Allowance
from tests.fakes.accounts import PASSWORD
from tests.unit.server.web.conftest import Arrive, Village


async def admin(arrive: Arrive) -> Village:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    return visitor


async def test_the_secret_is_shown_once_with_an_example(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    form = {"name": "build", "scopes": "generate", "days": "30", "tokens_per_day": "9"}
    answer = await visitor.send("/web/keys", **form)
    text = await answer.text()
    assert answer.headers["HX-Trigger"] == "llmd:people"
    [secret] = re.findall(r"<output[^>]*>(llmd-\w+)</output>", text)
    assert f"Bearer {secret}" in text
    [key] = await visitor.accounts.keys.list()
    assert (key.name, key.scopes, key.limits) == (
        "build",
        {Scope.GENERATE},
        Allowance(tokens_per_day=9),
    )
    assert key.expires_at == pytest.approx(time.time() + 30 * 86400, abs=60)
    for path in ("/admin/keys", f"/admin/keys/{key.id}"):
        assert secret not in await (await visitor.open(path)).text()


@pytest.mark.parametrize(
    ("form", "status", "param"),
    [
        ({"name": "x"}, 400, "scopes"),
        ({"scopes": "everything"}, 400, "scopes[0]"),
        ({"scopes": "generate", "days": "-1"}, 400, "days"),
        ({"scopes": "generate", "user": "nobody"}, 404, "user"),
        ({"scopes": "generate", "name": "x" * 101}, 400, "name"),
    ],
)
async def test_what_will_not_do_names_its_field(
    arrive: Arrive, form: dict[str, str], status: int, param: str
) -> None:
    visitor = await admin(arrive)
    answer = await visitor.send("/web/keys", **form)
    assert (answer.status, (await answer.json())["error"]["param"]) == (status, param)
    assert await visitor.accounts.keys.list() == []


async def test_a_key_may_do_no_more_than_its_user(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await visitor.accounts.users.create("ann", PASSWORD)
    assert (await visitor.send("/web/keys", user=ann.id, scopes="admin")).status == 403
    page = await (await visitor.open(f"/admin/keys?user={ann.id}")).text()
    assert re.search(
        rf'value="{ann.id}" data-scopes="generate models:read sessions" selected>ann', page
    )


async def test_a_key_is_changed_disabled_and_removed(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    made = await visitor.accounts.keys.create(name="old")
    path = f"/web/keys/{made.key.id}"
    renamed = await visitor.send(f"{path}/name", name="")
    assert renamed.headers["HX-Redirect"] == f"/admin/keys/{made.key.id}"
    assert "disabled" in await (await visitor.send(path, enabled="false")).text()
    await visitor.send(f"{path}/limits", requests_per_minute="7")
    now = await visitor.accounts.keys.get(made.key.id)
    assert (now.name, now.enabled, now.limits) == ("", False, Allowance(requests_per_minute=7))
    assert (await visitor.send(path, method="DELETE")).headers["HX-Redirect"] == "/admin/keys"
    assert await visitor.accounts.keys.list() == []


async def test_keys_are_found_by_name_prefix_and_user(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await visitor.accounts.users.create("ann", PASSWORD)
    one = await visitor.accounts.keys.create(ann.id, "数据")
    await visitor.accounts.keys.create(name="other")
    for words in ("数据", one.key.prefix, "ANN"):
        text = await (await visitor.open(f"/web/keys?words={words}")).text()
        assert "数据" in text
        assert ">other<" not in text
    assert "Nothing fits" in await (await visitor.open("/web/keys?words=nothing-such")).text()


async def test_how_a_key_stands_is_told(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    ann = await visitor.accounts.users.create("ann", PASSWORD)
    await visitor.accounts.keys.create(ann.id)
    await visitor.send(f"/web/users/{ann.id}", enabled="false")
    assert "its user is disabled" in await (await visitor.open("/admin/keys")).text()


async def test_a_plain_user_makes_no_keys(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("mallory")
    assert (await visitor.open("/admin/keys")).status == 403
    assert (await visitor.send("/web/keys", scopes="admin")).status == 403
    assert await visitor.accounts.keys.list() == []
