"""What `/api/v1` has beside llmd's own API: chat/completions in OpenAI's shape, and
vision/completions, which take a picture as a form and name the objects in it.

Errors of all of `/api/v1` are encoded here: `{"detail", "error": {"code", "message", "details"}}`,
for clients of either document.
"""
