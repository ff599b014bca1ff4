from __future__ import annotations

from llmd.protocol.requests import ChatPrompt, InfillPrompt, TextPrompt, TokenPrompt
from llmd.runtime.residency.dispatch import Dispatch, beginnings


def conversation(*texts: str) -> list[bytes]:
    roles = ["system", "user", "assistant", "user"]
    return beginnings(
        ChatPrompt([{"role": r, "content": t} for r, t in zip(roles, texts, strict=False)])
    )


def test_who_has_least_to_do_gets_what_is_new() -> None:
    assert Dispatch().choose({0: 2, 1: 0, 2: 1}, [b"x"]) == 1


def test_a_conversation_comes_back_to_the_worker_that_read_it() -> None:
    dispatch = Dispatch()
    assert dispatch.choose({0: 1, 1: 0}, conversation("be kind", "hello")) == 1
    later = conversation("be kind", "hello", "hi", "and now?")
    assert dispatch.choose({0: 0, 1: 3}, later) == 1


def test_a_shared_system_prompt_draws_new_conversations_too() -> None:
    dispatch = Dispatch()
    dispatch.choose({0: 1, 1: 0}, conversation("be kind", "hello"))
    assert dispatch.choose({0: 0, 1: 1}, conversation("be kind", "goodbye")) == 1
    assert dispatch.choose({0: 0, 1: 1}, conversation("be brief", "hello")) == 0


def test_a_worker_with_far_more_to_do_gives_its_conversations_up() -> None:
    dispatch = Dispatch()
    dispatch.choose({0: 1, 1: 0}, [b"x"])
    assert dispatch.choose({0: 0, 1: 20}, [b"x"]) == 0
    assert dispatch.choose({0: 1, 1: 0}, [b"x"]) == 0, "and they stay there"


def test_a_dead_worker_is_not_remembered() -> None:
    dispatch = Dispatch()
    dispatch.choose({0: 1, 1: 0}, [b"x"])
    dispatch.forget(1)
    assert dispatch.choose({0: 0, 1: 0}, [b"x"]) == 0
    assert dispatch.choose({1: 5}, [b"x"]) == 1, "one that cannot take it is no choice"


def test_what_is_remembered_is_bounded_and_cleared() -> None:
    dispatch = Dispatch()
    for number in range(5000):
        dispatch.choose({0: 0, 1: 1}, [str(number).encode()])
    assert len(dispatch._readers) <= 4096
    dispatch.clear()
    assert not dispatch._readers


def test_every_kind_of_prompt_has_a_beginning() -> None:
    long = "字" * 5000
    assert beginnings(TextPrompt(long + "a")) == beginnings(TextPrompt(long + "b"))
    assert beginnings(TokenPrompt([1, 2])) != beginnings(TokenPrompt([1, 3]))
    assert beginnings(InfillPrompt("a", "b")) == beginnings(InfillPrompt("a", "c"))
    assert len(conversation("one", "two", "three")) == 2
