"""OpenAI's completions, which most dialects and gRPC share: schema/ (the objects), convert/ (pure:
requests to native ones, native events to answers), exchange.py (a request from one to the other,
over any transport), answering.py (exchanges over HTTP).

Nouns: `Exchange`, `Manner`. Dialects decide what wraps the objects and how errors look; nothing
here knows a dialect.
"""
