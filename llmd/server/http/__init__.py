"""HTTP for all dialects alike: boundary.py (exceptions to a dialect's bytes), body.py (JSON in),
streaming.py (SSE and JSON lines out), keys.py (what an application carries), middleware/ (one file
each).

Nouns: `bounded`, `read_json`, `open_stream`, `SERVICES`. Knows no dialect's shapes.
"""
