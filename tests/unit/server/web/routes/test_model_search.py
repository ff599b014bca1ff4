from __future__ import annotations

import pytest

from llmd.protocol.callers import Role
from tests.fakes.visitors import Visitor
from tests.unit.server.conftest import Connect
from tests.unit.server.web.conftest import Arrive


@pytest.fixture
async def visitor(connect: Connect) -> Visitor:
    return Visitor(await connect(tcp=True))


async def found(visitor: Visitor, query: str, status: int = 200) -> str:
    answer = await visitor.open(f"/web/models/search?{query}")
    shown = await answer.text()
    assert answer.status == status, shown
    return shown


async def test_the_catalogue_is_found_by_words_and_by_what_models_can(visitor: Visitor) -> None:
    assert "<h3>qwen3-0.6b" in await found(visitor, "words=qwen+smallest")
    shown = await found(visitor, "kind=rerank")
    assert "<h3>bge-reranker-v2-m3" in shown
    assert "<h3>qwen3-0.6b" not in shown


async def test_what_does_not_fit_can_be_left_out_and_is_counted(visitor: Visitor) -> None:
    assert "more do not fit this machine" not in await found(visitor, "words=")
    everything = (await found(visitor, "words=")).count("<li ")
    shown = await found(visitor, "words=&fitting=1")
    if shown.count("<li ") < everything:
        assert "more do not fit this machine" in shown


@pytest.mark.parametrize(
    "name", ["acme/m:Q4_K_M", "hf://acme/m", "https://host/m.gguf", "ollama://m:1b"]
)
async def test_what_is_named_exactly_can_be_fetched(visitor: Visitor, name: str) -> None:
    shown = await found(visitor, f"words={name}")
    assert f'<b class="name">{name}</b>' in shown
    assert 'hx-get="/web/models/pull"' in shown


async def test_a_file_of_this_machine_is_registered_otherwise(visitor: Visitor) -> None:
    assert "llmd import /a/m.gguf" in await found(visitor, "words=/a/m.gguf")


async def test_what_is_not_found_is_answered_with_names_like_it(visitor: Visitor) -> None:
    shown = await found(visitor, "words=qwen3-0.6c")
    assert "Did you mean" in shown
    assert 'words=qwen3-0.6b"' in shown


async def test_what_is_typed_is_text(visitor: Visitor) -> None:
    shown = await found(visitor, "words=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script" not in shown


async def test_an_unknown_kind_is_refused(visitor: Visitor) -> None:
    await found(visitor, "kind=pictures", 400)


@pytest.mark.parametrize(("role", "acts"), [(Role.USER, False), (Role.ADMIN, True)])
async def test_only_those_who_may_act_get_buttons(arrive: Arrive, role: Role, acts: bool) -> None:
    visitor = await arrive()
    await visitor.log_in("ann", role)
    assert ("/web/models/pull" in await found(visitor, "words=qwen")) is acts
