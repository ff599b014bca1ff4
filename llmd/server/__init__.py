"""Everything that listens: listeners.py (Unix socket and TCP), application.py (the one table of
mounts), dialects/ (one folder per wire format) and http/ (what all of them share: bodies, streams,
middleware).

A dialect decodes a request into the native nouns of `protocol`, calls a service, and encodes what
comes back; it knows nothing of other dialects, of workers or of how models are stored.
"""
