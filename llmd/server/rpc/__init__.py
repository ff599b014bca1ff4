"""gRPC: model.proto and what is made of it (generated/), servicer.py (its methods), door.py (what
every call goes through: who asks, limits, errors, the log), server.py (the listener with TLS,
health and reflection), convert/ (messages to and from native nouns, pure).

Nouns: `RpcServer`, `Door`, `Call`, `Method`. Must not know HTTP dialects; it speaks
`server/completions` like they do. Imported only where gRPC is enabled.
"""
