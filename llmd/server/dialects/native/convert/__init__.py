"""The pure half of llmd's own API: state.py (health, models, loading: native nouns to objects) and
generating.py (requests to those all dialects share, their answers back).

Knows nothing of HTTP.
"""
