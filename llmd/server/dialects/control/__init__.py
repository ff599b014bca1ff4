"""What the `llmd` command speaks with the daemon, at `/control` on the Unix socket and nowhere
else.

Answers are the structs of `protocol` as JSON; long work streams JSON lines; errors are `{"error":
LlmdError.to_wire()}`.
"""
