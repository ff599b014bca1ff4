"""The nouns that cross a process boundary, as msgspec Structs.

`GenerateRequest` and `Sampling` go towards the model (requests.py); `Accepted`, `Delta` and
`Finished` come back (events.py); a `Question` has one `Reply` (questions.py); `Load`, `Ready`,
`Batch` and the other frames carry them between daemon and worker (frames.py); `ModelManifest` and
`LoadedModel` describe models to people and programs (models.py); codec.py turns frames into bytes.
Knows nothing of sockets, HTTP or llama.cpp.
"""
