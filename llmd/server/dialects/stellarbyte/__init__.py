"""The StellarByte API at `/api`: plain OpenAI chat whose history is kept in sessions, a WebSocket
that answers in events, and the sessions themselves.

With `session_id` a request goes on with what its session holds (see llmd.server.completions.
remembering). Errors carry `detail` beside OpenAI's `error`. Times are UTC without a zone, to the
second. llmd's own additions: the fields of `/v1` in chat requests, `model` and sampling in messages
of the WebSocket, `is_active` in updates.
"""
