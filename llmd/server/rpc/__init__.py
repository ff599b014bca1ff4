"""The gRPC listener: model.proto, generated/ (made from it), servicer and server.

Must not know HTTP dialects; it speaks `server/completions` like they do.
"""
