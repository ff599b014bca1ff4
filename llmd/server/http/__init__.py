"""HTTP for all dialects alike: boundary.py (exceptions to a dialect's bytes), body.py (JSON in),
form.py (forms in), streaming.py (SSE and JSON lines out), websockets.py (both ways), keys.py (what
an application carries), middleware/ (one file each).

Nouns: `bounded`, `read_json`, `open_stream`, `SERVICES`. Knows no dialect's shapes.
"""
