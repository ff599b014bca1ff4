"""GGUF files, without their weights.

`header` reads key-values and tensor descriptions from any bytes, hostile ones included, and raises
nothing but CorruptFile; `inspection` decides whether a file, with all its parts, can be served and
describes it; `file_types` and `architectures` hold what the pinned llama.cpp knows. Long arrays (a
vocabulary) are counted and stepped over, never kept. Knows nothing of manifests or downloads.
"""
