from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from llmd.chat.template import ChatTemplate
from llmd.engine.adapters import Adapters
from llmd.engine.loading import Opened, open_model
from llmd.engine.scoring import Scorer
from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.frames import Ask
from llmd.protocol.questions import (
    Detokenize,
    Embed,
    Embeddings,
    Question,
    Ranking,
    Render,
    Rendered,
    Rerank,
    Score,
    Scores,
    Tokenize,
    Tokens,
)
from llmd.protocol.requests import Adapter, ChatPrompt, TextPrompt, TokenPrompt
from llmd.runtime.worker.answers import Answers
from llmd.runtime.worker.intake import Intake
from llmd.runtime.worker.jobs import Job, ScoreJob, VectorJob
from tests.fakes.rerankers import write_decoder
from tests.unit.engine.conftest import load_order

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"


def opened_as(path: Path) -> Opened:
    order = load_order(path, embedding=True)
    opened = open_model(order, lambda _: None, lambda *_: None)
    adapters = Adapters(opened.model, [])
    scorer = Scorer(opened.model, adapters, 1, "f16")
    return dataclasses.replace(opened, scorer=scorer)


def close(opened: Opened) -> None:
    opened.embedder.close()
    opened.model.close()


@pytest.fixture(scope="module")
def tiny(tiny_model: Path) -> Iterator[Opened]:
    opened = opened_as(tiny_model)
    yield opened
    close(opened)


def take(opened: Opened, question: Question) -> Job | object:
    intake = Intake(opened.model.vocab, ChatTemplate(TEMPLATE, bos="", eos=""), 64)
    return Answers(opened, intake).take(Ask(1, question))


def test_texts_and_tokens_are_answered_at_once(tiny: Opened) -> None:
    found = take(tiny, Tokenize("héllo 你好 <|im_end|>"))
    assert isinstance(found, Tokens)
    assert b"".join(found.pieces).decode() == "héllo 你好 <|im_end|>"
    back = take(tiny, Detokenize(found.tokens))
    assert back == found
    literal = take(tiny, Tokenize("<|im_end|>", parse_special=False))
    assert isinstance(literal, Tokens)
    assert len(literal.tokens) > 1
    assert take(tiny, Tokenize("")) == Tokens([], [])


def test_tokens_of_another_vocabulary_are_refused(tiny: Opened) -> None:
    for token in (-1, 10**6):
        with pytest.raises(InvalidRequest, match="Token ids go from 0"):
            take(tiny, Detokenize([token]))


def test_a_conversation_is_shown_as_the_model_reads_it(tiny: Opened) -> None:
    found = take(tiny, Render(ChatPrompt([{"role": "user", "content": "Hi"}])))
    assert isinstance(found, Rendered)
    assert found.text == "<user>Hi"
    assert found.tokens > 0


def test_embedding_becomes_a_job_whose_reply_keeps_the_order(tiny: Opened) -> None:
    job = take(tiny, Embed(["a b c", [5, 6]]))
    assert isinstance(job, VectorJob)
    assert job.waiting[1].tokens == [5, 6]
    reply = job.reply([np.array([1, 0], np.float32), np.array([0, 1], np.float32)])
    assert isinstance(reply, Embeddings)
    assert np.frombuffer(reply.vectors[1], "<f4").tolist() == [0, 1]
    assert reply.tokens == sum(len(item.tokens) for item in job.waiting)


def test_a_chat_model_does_not_rank(tiny: Opened) -> None:
    with pytest.raises(InvalidRequest, match="cannot rank"):
        take(tiny, Rerank("q", ["d"]))


def test_a_reranker_reads_pairs_through_its_template(tmp_path: Path) -> None:
    opened = opened_as(write_decoder(tmp_path / "r.gguf"))
    job = take(opened, Rerank("who", ["me", "you"]))
    assert isinstance(job, VectorJob)
    vocab = opened.model.vocab
    texts = [b"".join(vocab.piece(t, special=True) for t in i.tokens) for i in job.waiting]
    assert texts[1].startswith(b"<|im_start|>user\n<Query>: who\n<Document>: you<|im_end|>")
    reply = job.reply([np.array([0.25, 0.75], np.float32), np.array([0.5, 0.5], np.float32)])
    assert isinstance(reply, Ranking)
    assert reply.scores == [0.25, 0.5]
    assert reply.probabilities
    close(opened)


def test_scoring_becomes_a_job_that_names_the_first_token(tiny: Opened) -> None:
    job = take(tiny, Score(TextPrompt("Hello world"), 2))
    assert isinstance(job, ScoreJob)
    assert job.scoring.alternatives == 2
    reply = job.reply(job.scoring)
    assert isinstance(reply, Scores)
    assert reply.first == tiny.model.vocab.piece(job.scoring.tokens[0], special=True)
    assert reply.added == tiny.model.vocab.adds_bos
    tokens = take(tiny, Score(TokenPrompt([5, 6])))
    assert isinstance(tokens, ScoreJob)
    assert tokens.scoring.tokens == [5, 6]


def test_scoring_refuses_what_generating_would(tiny: Opened) -> None:
    with pytest.raises(ContextOverflow):
        take(tiny, Score(TextPrompt("word " * 100)))
    with pytest.raises(InvalidRequest, match="no adapter"):
        take(tiny, Score(TextPrompt("a"), adapters=[Adapter("x")]))


def test_a_pure_encoder_has_no_logprobs(embedding_model: Path) -> None:
    opened = dataclasses.replace(opened_as(embedding_model), scorer=None)
    with pytest.raises(InvalidRequest, match="no logprobs"):
        take(opened, Score(TextPrompt("a")))
    close(opened)
