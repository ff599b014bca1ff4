"""llmd's own API, so far `/health`, `/metrics` and `/models` with load and unload; at the root and
at `/api/v1`.

Errors are `{"error": {"code", "message", "details"}}`; this dialect also answers for paths that
nobody claims.
"""
