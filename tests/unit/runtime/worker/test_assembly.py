"""What becomes of a request for the built-in model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmd.chat.template import ChatTemplate
from llmd.engine.loading import open_model
from llmd.errors import InvalidRequest
from llmd.protocol.frames import Generate
from llmd.protocol.requests import Adapter, GenerateRequest, Sampling, TextPrompt
from llmd.runtime.worker import assembly as module
from llmd.runtime.worker.assembly import Assembly
from llmd.runtime.worker.intake import Intake
from tests.unit.engine.conftest import load_order


@pytest.fixture
def assembly(tiny_model: Path) -> Iterator[Assembly]:
    opened = open_model(load_order(tiny_model), lambda _: None, lambda *_: None)
    assert opened.engine
    vocab = opened.model.vocab
    template = ChatTemplate.choose(opened.model.chat_template(), vocab.is_control, bos="", eos="")
    yield Assembly(opened, Intake(vocab, template, opened.ready.context_length, None))
    opened.embedder.close()
    opened.engine.close()


def test_a_request_becomes_a_sequence_of_its_tokens(assembly: Assembly) -> None:
    prompt = TextPrompt("Once upon a time")
    sequence = assembly.sequence(Generate(3, GenerateRequest(prompt=prompt, max_tokens=5)))
    assert (sequence.id, sequence.max_tokens, sequence.space) == (3, 5, ())
    assert sequence.prompt_tokens == len(sequence.tokens) > 3
    sequence.sampler.close()


def test_an_unknown_adapter_is_refused_before_there_is_a_sampler_to_close(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(module, "make_sampler")
    request = GenerateRequest(
        prompt=TextPrompt("x"),
        sampling=Sampling(top_k=40),
        adapters=[Adapter("pirate", 1.0)],
    )
    with pytest.raises(InvalidRequest, match="no adapter 'pirate'"):
        assembly.sequence(Generate(1, request))
