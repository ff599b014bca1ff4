"""llmd's own API, so far its first paths: `/health` and `/metrics`.

Errors are `{"error": {"code", "message", "details"}}`; this dialect also answers for paths that
nobody claims.
"""
