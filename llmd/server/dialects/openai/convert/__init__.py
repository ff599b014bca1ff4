"""The pure half of the OpenAI dialect, in two files: requests.py reads requests into native ones,
answers.py gathers native events into OpenAI objects, whole or as chunks of a stream.

Nouns: `Answer` and its two kinds, `Envelope`. Knows nothing of HTTP, and of the clock only the time
of creation.
"""
