"""How Ollama describes a model, read for two ends: to adopt what it has on this machine, and to
fetch from its registry.

`manifest` says which layer of a model is what, `parameters` turns its parameters into llmd's words,
`store` is its directory of manifests and blobs, `layers` reads what belongs to a model's text
layers. Nothing here writes, asks the network, or knows how models are registered.
"""
