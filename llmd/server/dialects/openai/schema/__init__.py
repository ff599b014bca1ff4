"""What `/v1` has beside the objects of `server/completions`: reranking, tokens, validation.

Everything is known as `schema.NAME`. Declarations, no decisions.
"""

from llmd.server.dialects.openai.schema.reranking import (
    Document,
    RankedDocument,
    RerankList,
    RerankRequest,
)
from llmd.server.dialects.openai.schema.tokens import (
    Content,
    DetokenizeRequest,
    Piece,
    RenderedPrompt,
    TokenizeRequest,
    TokenList,
)
from llmd.server.dialects.openai.schema.validation import (
    Fault,
    ValidateRequest,
    Validity,
)

__all__ = [
    "Content",
    "DetokenizeRequest",
    "Document",
    "Fault",
    "Piece",
    "RankedDocument",
    "RenderedPrompt",
    "RerankList",
    "RerankRequest",
    "TokenList",
    "TokenizeRequest",
    "ValidateRequest",
    "Validity",
]
