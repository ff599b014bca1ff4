"""One folder per wire format, always the same four files: routes.py (paths to handlers), schema.py
(structs of the wire), convert.py (pure: wire to native and back; a folder where one file would be
too long), errors.py (LlmdError to the dialect's bytes).

openai is `/v1`; native is llmd's own API, at the root and at `/api/v1`, where caiqitalk stands
beside it; control is what `llmd` itself speaks, on the Unix socket only.
"""
