"""The pure half of what `/v1` has beside completions: reranking.py, tokens.py (tokenise,
detokenise, apply a template) and validation.py hold both directions of what is answered in one
piece.

Knows nothing of HTTP.
"""
