"""LoRA adapters of a real model: by default, by request, several at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.fakes.random_adapter import write_adapter
from tests.integration.conftest import Daemon, chat

QUESTION = "What is the capital of France?"
CHOICES: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"name": "poet"}],
    [{"name": "pirate"}],
    [{"name": "poet", "scale": 0.5}, {"name": "pirate", "scale": 0.5}],
)


def llmd(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmd", *arguments],
        env=daemon.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("adapters")
    daemon = Daemon(folder / "home").start()
    assert llmd(daemon, "cp", "llmd-tiny", "mine").returncode == 0
    for seed, name in enumerate(("poet", "pirate")):
        path = write_adapter(folder / f"{name}.gguf", tiny_model, seed=seed, strength=2.0)
        added = llmd(daemon, "adapters", "add", "mine", str(path))
        assert added.stdout == f"mine has the adapter {name}\n", added.stderr
    yield daemon
    assert daemon.stop() == 0


def answer(server: Daemon, **fields: Any) -> Any:
    return server.call(
        "POST",
        "/v1/chat/completions",
        {**chat(QUESTION), "model": "mine", "max_tokens": 12, **fields},
    )


def text(server: Daemon, **fields: Any) -> str:
    return str(answer(server, **fields)["choices"][0]["message"]["content"])


def test_adapters_change_answers_and_no_others(server: Daemon) -> None:
    texts = [text(server, adapters=adapters) for adapters in CHOICES]
    assert texts[0] == "The capital of France is Paris."
    assert len(set(texts)) == len(CHOICES)
    assert text(server) == texts[0]
    assert text(server, adapters=[{"name": "poet", "scale": 0}]) == texts[0]
    assert text(server, lora=[{"id": 0, "scale": 1.0}]) == texts[1]


async def test_requests_with_different_adapters_at_once_answer_as_each_alone(
    server: Daemon,
) -> None:
    alone = [text(server, adapters=adapters) for adapters in CHOICES]
    async with openai.AsyncOpenAI(
        base_url=f"{server.address}/v1", api_key="any", max_retries=0
    ) as client:

        async def one(adapters: list[dict[str, Any]]) -> str:
            made = await client.chat.completions.create(
                model="mine",
                messages=[{"role": "user", "content": QUESTION}],
                temperature=0,
                max_tokens=12,
                extra_body={"adapters": adapters},
            )
            return made.choices[0].message.content or ""

        found = await asyncio.gather(*(one(adapters) for adapters in CHOICES * 6))
        assert found == alone * 6


def test_a_prompt_is_judged_with_its_adapters(server: Daemon) -> None:
    def judge(**fields: Any) -> list[float]:
        body = {"model": "mine", "prompt": QUESTION, "echo": True, "logprobs": 0, "max_tokens": 0}
        choice = server.call("POST", "/v1/completions", {**body, **fields})["choices"][0]
        found: list[float] = choice["logprobs"]["token_logprobs"]
        return found

    assert judge() == judge(adapters=[])
    assert judge(adapters=[{"name": "poet"}]) != judge()


def test_an_unknown_adapter_is_refused_with_those_there_are(server: Daemon) -> None:
    error = answer(server, adapters=[{"name": "priate"}])["error"]
    assert error["param"] == "adapters"
    assert "pirate" in error["message"]
    model = {**chat(QUESTION), "adapters": [{"name": "poet"}]}
    assert "no adapter" in server.call("POST", "/v1/chat/completions", model)["error"]["message"]


def test_a_default_adapter_counts_where_a_request_says_nothing(
    server: Daemon, tiny_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "always.gguf", tiny_model, seed=9, strength=4.0)
    plain = text(server)
    added = llmd(server, "adapters", "add", "mine", str(path), "--default", "--scale", "0.9")
    assert added.returncode == 0, added.stderr
    assert text(server) != plain
    assert text(server) == text(server, adapters=[{"name": "always", "scale": 0.9}])
    assert text(server, adapters=[]) == plain
    listed = llmd(server, "adapters", "ls", "mine").stdout
    assert [line.split()[1:4] for line in listed.splitlines()[1:]] == [
        ["poet", "1", "no"],
        ["pirate", "1", "no"],
        ["always", "0.9", "yes"],
    ]
    assert llmd(server, "adapters", "rm", "mine", "always").returncode == 0
    assert text(server) == plain


def test_an_adapter_of_another_model_is_refused_when_it_is_added(
    server: Daemon, embedding_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "bert.gguf", embedding_model)
    refused = llmd(server, "adapters", "add", "mine", str(path))
    assert refused.returncode == 1
    assert "was made for a bert model" in refused.stderr


def test_a_file_that_has_gone_fails_the_request_that_needs_it_and_no_other(
    server: Daemon, tiny_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "fleeting.gguf", tiny_model)
    assert llmd(server, "adapters", "add", "mine", str(path)).returncode == 0
    path.unlink()
    error = answer(server, adapters=[{"name": "fleeting"}])["error"]
    assert error["code"] == "load_failed"
    assert text(server) == "The capital of France is Paris."
    assert llmd(server, "adapters", "rm", "mine", "fleeting").returncode == 0
