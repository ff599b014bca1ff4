"""Messages in, prompt text out; the model's text in, answer, reasoning and tool calls out.

Nouns: `ChatTemplate` renders a conversation with the Jinja source of a model (template.py) inside
bounds that no source can break (sandbox.py); `Abilities` are what a source is found to understand
(abilities.py); `adapt` reshapes messages and tools for one that lacks some of them (adaptation.py),
with turns.py where it insists on an order; continuation.py ends prompts inside an answer that was
begun; fallback.py has formats for models that bring no source. `AnswerReader` (reader.py) sorts
what comes back, by parsers that are generators over a `Scanner` (scanning.py): reasoning.py, and
one file per tool-call format in tools/. Everything is pure: no clock but the one passed in, no I/O.
Knows nothing of tokens, models or HTTP.
"""
