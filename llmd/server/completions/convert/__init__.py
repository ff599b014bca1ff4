"""The pure half: requests.py reads requests for text into native ones, answers.py gathers native
events into OpenAI objects, whole or as chunks of a stream, texts.py does so for plain completions;
tools.py reads what is said of tools and reasoning, fields.py knows other names of fields and those
that are refused. embeddings.py holds both directions.

Nouns: `Answer` and its two kinds, `Echo`, `Envelope`. Knows nothing of HTTP, and of the clock only
the time of creation.
"""
