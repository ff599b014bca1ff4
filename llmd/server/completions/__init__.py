"""OpenAI's completions, which most dialects and gRPC share: schema/ (the objects), convert/ (pure:
requests to native ones, native events to answers), exchange.py (a request from one to the other,
over any transport), remembering.py (exchanges that go on with a kept session), answering.py
(exchanges over HTTP), problems.py (errors).

Nouns: `Exchange`, `Manner`, `Problem`. Dialects decide what wraps the objects and how errors look;
nothing here knows a dialect.
"""
