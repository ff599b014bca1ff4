"""GGUF files, without their weights.

`header` reads key-values and tensor descriptions from any bytes, hostile ones included (`cursor`
steps through them), and raises nothing but CorruptFile. `reading` reads all `parts` of a model once
and keeps, while they stay as they are, what follows: `facts`, what memory depends on, by the rules
of llama.cpp (`derivation` with `windows`, `states`, `indexes`, `compression`, `weighing`); and the
`description`, what people ask (`origin`, `tokenizer`, `tensor_roles`). `caching` reckons with them,
`inspection` decides whether a file can be served; `file_types` and `architectures` hold what the
pinned llama.cpp knows; `imatrix` reads importance matrices. Long arrays (a vocabulary) are counted
and stepped over, never kept. Knows nothing of manifests or downloads.
"""
