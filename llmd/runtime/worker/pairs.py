"""A query and a document as a reranker reads them: one text of both.

Encoders take `BOS query EOS SEP document EOS` with those marks that their vocabulary adds; models
with a chat template named `rerank` (Qwen3-Reranker) fill `{query}` and `{document}` into it. Both
as in llama.cpp's server (format_prompt_rerank), but that marks inside a text stay text.
"""

from __future__ import annotations

import re
from typing import Protocol

from llmd.errors import ContextOverflow, InvalidRequest
from llmd.protocol.questions import Rerank

_GAP = re.compile(r"(\{query\}|\{document\})")


class Tokenizer(Protocol):
    """What pairs need of a vocabulary."""

    bos: int
    eos: int
    sep: int
    adds_bos: bool
    adds_eos: bool
    adds_sep: bool

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Return the tokens of a text."""
        ...

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of one token."""
        ...


class Pairs:
    """Makes the inputs of a rerank request; `template` is the model's own for this, if it has
    one.
    """

    def __init__(self, vocab: Tokenizer, template: str | None, context_length: int) -> None:
        self._vocab = vocab
        self._parts = _GAP.split(template) if template else None
        self._context_length = context_length

    def inputs(self, request: Rerank) -> list[list[int]]:
        """Return the tokens of each pair; raise InvalidRequest or, naming the document, a
        ContextOverflow.
        """
        if not request.query.strip():
            raise InvalidRequest("query is empty.", param="query")
        made = []
        for index, document in enumerate(request.documents):
            tokens = self._join(request.query, document)
            if len(tokens) > self._context_length:
                if not request.truncate:
                    raise self._overflow(len(tokens), f"documents[{index}]")
                tokens = self._shortened(request.query, document, len(tokens))
            made.append(tokens)
        return made

    def _join(self, query: str, document: str) -> list[int]:
        if self._parts is None:
            return self._marked(self._plain(query), self._plain(document))
        given = {"{query}": query, "{document}": document}
        text = "".join(given.get(part, part) for part in self._parts)
        if all(self._harmless(value) for value in given.values()):
            return self._vocab.tokenize(text, add_special=False, parse_special=True)
        pieces = (
            self._plain(given[part])
            if part in given
            else self._vocab.tokenize(part, add_special=False, parse_special=True)
            for part in self._parts
        )
        return [token for piece in pieces for token in piece]

    def _plain(self, text: str) -> list[int]:
        return self._vocab.tokenize(text, add_special=False, parse_special=False)

    def _harmless(self, text: str) -> bool:
        """Whether no part of a text would be read as a control token."""
        return self._plain(text) == self._vocab.tokenize(
            text, add_special=False, parse_special=True
        )

    def _marked(self, query: list[int], document: list[int]) -> list[int]:
        vocab = self._vocab
        end = [vocab.eos if vocab.eos >= 0 else vocab.sep] if vocab.adds_eos else []
        return [
            *([vocab.bos] if vocab.adds_bos else []),
            *query,
            *end,
            *([vocab.sep] if vocab.adds_sep else []),
            *document,
            *end,
        ]

    def _shortened(self, query: str, document: str, size: int) -> list[int]:
        """Cut the end of a document until the pair fits; raise ContextOverflow when the query alone
        does not.
        """
        kept = self._plain(document)
        while kept and size > self._context_length:
            kept = kept[: max(0, len(kept) - (size - self._context_length))]
            text = b"".join(map(self._vocab.piece, kept)).decode("utf-8", "ignore")
            tokens = self._join(query, text)
            size = len(tokens)
        if size > self._context_length:
            raise self._overflow(size, "query")
        return tokens

    def _overflow(self, needed: int, what: str) -> ContextOverflow:
        return ContextOverflow(
            f"{what} makes a text of {needed} tokens, but this model reads {self._context_length}.",
            hint='Shorten it, or send "truncate": true to cut documents.',
            param=what,
            needed=needed,
            available=self._context_length,
        )
