"""llmd's own API, at the root and at `/api/v1`: generate, generate/stream, batch/generate, health,
metrics, models with load and unload.

Errors are `{"error": {"code", "message", "details"}}`, to which `/api/v1` adds `detail` (see
caiqitalk); this dialect also answers for paths that nobody claims. Streams are events alone, one a
write, without comments and without `[DONE]`: the documented JavaScript client takes every read for
one event.
"""
