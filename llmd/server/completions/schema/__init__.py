"""Structs of the OpenAI wire format: what requests may hold, and the objects that come back.

One file per kind of traffic; everything is known as `schema.NAME`. Declarations, no decisions.

options.py and forms.py hold the fields that several requests share; answers.py the figures that
several answers share.
"""

from llmd.server.completions.schema.answers import (
    CacheMiss,
    CompletionTokensDetails,
    PromptTokensDetails,
    Timings,
    TokenLogprob,
    TopLogprob,
    Usage,
)
from llmd.server.completions.schema.chat import (
    ChatChoice,
    ChatChunkChoice,
    ChatDelta,
    ChatLogprobs,
    ChatMessage,
    ChatRequest,
    ImageUrl,
    InputAudio,
    Message,
    Part,
    ThinkingSwitch,
)
from llmd.server.completions.schema.completions import (
    CompletionRequest,
    TextChoice,
    TextLogprobs,
)
from llmd.server.completions.schema.embeddings import (
    Embedding,
    EmbeddingList,
    EmbeddingRequest,
    EmbeddingUsage,
)
from llmd.server.completions.schema.forms import (
    Forms,
    JsonSchema,
    ResponseFormat,
    StructuredOutputs,
)
from llmd.server.completions.schema.models import ModelObject, ModelObjects
from llmd.server.completions.schema.objects import (
    ChatChunk,
    ChatCompletion,
    Completion,
    TextCompletion,
)
from llmd.server.completions.schema.options import (
    AdapterScale,
    AnswerTokens,
    Many,
    Options,
    Penalty,
    Prediction,
    PredictionPart,
    Share,
    SpeculationOptions,
    StreamOptions,
    Temperature,
    Tokens,
)
from llmd.server.completions.schema.tools import (
    Function,
    FunctionCall,
    FunctionPiece,
    NamedFunction,
    NamedTool,
    ToolCall,
    ToolCallPiece,
    ToolDefinition,
)

__all__ = [
    "AdapterScale",
    "AnswerTokens",
    "CacheMiss",
    "ChatChoice",
    "ChatChunk",
    "ChatChunkChoice",
    "ChatCompletion",
    "ChatDelta",
    "ChatLogprobs",
    "ChatMessage",
    "ChatRequest",
    "Completion",
    "CompletionRequest",
    "CompletionTokensDetails",
    "Embedding",
    "EmbeddingList",
    "EmbeddingRequest",
    "EmbeddingUsage",
    "Forms",
    "Function",
    "FunctionCall",
    "FunctionPiece",
    "ImageUrl",
    "InputAudio",
    "JsonSchema",
    "Many",
    "Message",
    "ModelObject",
    "ModelObjects",
    "NamedFunction",
    "NamedTool",
    "Options",
    "Part",
    "Penalty",
    "Prediction",
    "PredictionPart",
    "PromptTokensDetails",
    "ResponseFormat",
    "Share",
    "SpeculationOptions",
    "StreamOptions",
    "StructuredOutputs",
    "Temperature",
    "TextChoice",
    "TextCompletion",
    "TextLogprobs",
    "ThinkingSwitch",
    "Timings",
    "TokenLogprob",
    "Tokens",
    "ToolCall",
    "ToolCallPiece",
    "ToolDefinition",
    "TopLogprob",
    "Usage",
]
