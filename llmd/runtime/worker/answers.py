"""Questions to jobs, or to replies at once where no decode call is needed. Preparer thread."""

from __future__ import annotations

from llmd.engine.bindings import Floats, Pooling
from llmd.engine.loading import Opened
from llmd.engine.scoring import Scoring
from llmd.errors import InvalidRequest
from llmd.protocol.frames import Ask
from llmd.protocol.questions import (
    Detokenize,
    Embed,
    Embeddings,
    Ranking,
    Render,
    Rendered,
    Reply,
    Rerank,
    Score,
    Scores,
    Tokenize,
    Tokens,
)
from llmd.protocol.questions import Pooling as Wish
from llmd.protocol.requests import GenerateRequest, TextPrompt
from llmd.runtime.worker.intake import Intake
from llmd.runtime.worker.jobs import Job, ScoreJob, VectorJob
from llmd.runtime.worker.pairs import Pairs


class Answers:
    """Takes the questions of one loaded model."""

    def __init__(self, opened: Opened, intake: Intake) -> None:
        self._opened = opened
        self._intake = intake
        length = opened.embedder.context_length
        self._pairs = Pairs(opened.model.vocab, opened.model.chat_template("rerank"), length)

    def take(self, frame: Ask) -> Job | Reply:
        """Return the reply, or the job that makes it; raise InvalidRequest or ContextOverflow."""
        question = frame.question
        if isinstance(question, Embed):
            return self._embed(frame.id, question)
        if isinstance(question, Rerank):
            return self._rerank(frame.id, question)
        if isinstance(question, Score):
            return self._score(frame.id, question)
        if isinstance(question, Render):
            text, tokens = self._intake.render(question.prompt)
            return Rendered(text, len(tokens))
        return self._tokens(question)

    def _embed(self, request: int, question: Embed) -> VectorJob:
        embedder, width = self._opened.embedder, self._opened.model.width
        pooling = embedder.settle(question.pooling)
        inputs = self._intake.inputs(question, embedder.context_length)
        total = sum(map(len, inputs))

        def reply(vectors: list[Floats]) -> Embeddings:
            return Embeddings(width, [vector.tobytes() for vector in vectors], total)

        return VectorJob.make(request, inputs, pooling, reply)

    def _rerank(self, request: int, question: Rerank) -> VectorJob:
        embedder = self._opened.embedder
        embedder.settle(Wish.RANK)
        inputs = self._pairs.inputs(question)
        total = sum(map(len, inputs))

        def reply(found: list[Floats]) -> Ranking:
            scores = [float(labels[0]) for labels in found]
            return Ranking(scores, total, embedder.gives_probabilities)

        return VectorJob.make(request, inputs, Pooling.RANK, reply)

    def _score(self, request: int, question: Score) -> ScoreJob:
        opened = self._opened
        if opened.scorer is None:
            raise InvalidRequest("This is an embedding model; it has no logprobs.", param="model")
        tokens = self._intake.prompt(GenerateRequest(prompt=question.prompt)).tokens
        vocab = opened.model.vocab
        added = vocab.adds_bos and isinstance(question.prompt, TextPrompt)
        first = vocab.piece(tokens[0], special=True)
        key = opened.adapters.resolve(question.adapters)

        def reply(scoring: Scoring) -> Scores:
            return Scores(first, added, scoring.explained)

        return ScoreJob(request, Scoring(tokens, question.alternatives, key), reply)

    def _tokens(self, question: Tokenize | Detokenize) -> Tokens:
        vocab = self._opened.model.vocab
        if isinstance(question, Tokenize):
            tokens = vocab.tokenize(
                question.text,
                add_special=question.add_special,
                parse_special=question.parse_special,
            )
        else:
            tokens = self._intake.checked(question.tokens)
        return Tokens(tokens, [vocab.piece(token, special=True) for token in tokens])
