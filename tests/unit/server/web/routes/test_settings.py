from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from llmd.config.description import descriptions
from llmd.protocol.accounts import AuditKind
from llmd.protocol.callers import Role
from tests.unit.server.web.conftest import Arrive, Village


async def admin(arrive: Arrive) -> Village:
    visitor = await arrive()
    await visitor.log_in("root", Role.ADMIN)
    return visitor


def file(visitor: Village) -> Path:
    return visitor.guarded.bench.paths.config_file


def read(visitor: Village) -> dict[str, Any]:
    return tomllib.loads(file(visitor).read_text(encoding="utf-8"))


async def test_every_setting_is_there_in_both_languages(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    for language, said in (("en", "Port of the TCP listener"), ("zh", "TCP 监听的端口")):
        text = await (await visitor.open("/admin/settings", Accept_Language=language)).text()
        assert said in text
        for key in descriptions():
            assert f'data-key="{key}"' in text


async def test_a_change_is_written_and_waits_for_a_restart(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    answer = await visitor.send("/web/settings/server.max_body", value="64MiB")
    text = await answer.text()
    assert 'data-key="server.max_body"' in text
    assert "After a restart" in text
    assert "llmd restart" in text
    assert read(visitor) == {"server": {"max_body": "64MiB"}}
    back = await visitor.send("/web/settings/server.max_body", method="DELETE")
    assert "After a restart" not in await back.text()
    assert read(visitor) == {"server": {}}  # the head of a section stays


async def test_an_empty_text_is_a_value(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    await visitor.send("/web/settings/security.hosts", value="a.example")
    assert (await visitor.send("/web/settings/security.hosts")).status == 200
    assert read(visitor) == {"security": {"hosts": ""}}


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("server.port", "no", 400),
        ("server.port", "", 400),
        ("security.mode", "closed", 400),
        ("no.such", "1", 404),
        ("models.default", "nobody/nothing", 404),
    ],
)
async def test_what_will_not_do_is_refused(
    arrive: Arrive, key: str, value: str, status: int
) -> None:
    visitor = await admin(arrive)
    answer = await visitor.send(f"/web/settings/{key}", value=value)
    assert answer.status == status
    if key == "server.port":
        assert (await answer.json())["error"]["param"] == key
    assert not file(visitor).exists()


async def test_default_models_hold_at_once(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    text = await (await visitor.send("/web/settings/models.default", value="llmd-tiny")).text()
    assert "Holds at once" in text
    assert "After a restart" not in text
    assert visitor.guarded.bench.services.defaults.list()[0].chosen


async def test_passwords_are_never_shown(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    url = "postgresql://llmd:hunter2@db/llmd"
    answer = await visitor.send("/web/settings/database.url", value=url)
    pages = await answer.text() + await (await visitor.open("/admin/settings")).text()
    assert "hunter2" not in pages
    assert read(visitor)["database"]["url"] == url
    assert all("hunter2" not in str(entry) for entry in await visitor.accounts.audit.list())


async def test_faults_of_the_file_are_told(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    file(visitor).parent.mkdir(parents=True, exist_ok=True)
    file(visitor).write_text("[server]\nport = 99999\n")
    assert "would not start again" in await (await visitor.open("/admin/settings")).text()
    file(visitor).write_text("[server\n")
    answer = await visitor.open("/admin/settings")
    assert answer.status == 400
    assert "not valid TOML" in await answer.text()


async def test_hostile_values_are_text(arrive: Arrive) -> None:
    visitor = await admin(arrive)
    answer = await visitor.send("/web/settings/security.hosts", value='"><script>alert(1)</script>')
    pages = await answer.text() + await (await visitor.open("/admin/settings")).text()
    assert "<script>alert" not in pages


async def test_a_plain_user_changes_nothing_and_it_is_noted(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.log_in("mallory")
    assert (await visitor.open("/admin/settings")).status == 403
    assert (await visitor.send("/web/settings/security.mode", value="open")).status == 403
    assert (await visitor.send("/web/settings/security.mode", method="DELETE")).status == 403
    assert not file(visitor).exists()
    noted = await visitor.accounts.audit.list()
    assert any(entry.kind is AuditKind.REFUSED for entry in noted)
