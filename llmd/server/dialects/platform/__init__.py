"""The enterprise platform's API at `/platform/api/v1`: OpenAI chat in a `code`, `message`, `data`
envelope, a WebSocket for it, and the administration of users, API keys and models, with login.

Chunks of streams have no envelope; errors in a stream and on the WebSocket do. `/api/v1/admin/*`,
`/api/v1/auth/*` and the WebSocket `/api/v1/chat/stream` answer without the prefix too. Codes of
errors are in errors.py. What the document leaves open (bodies of the administration, pages of
lists) is in schema.py; unknown fields are refused there, since none may be ignored in silence.
"""
