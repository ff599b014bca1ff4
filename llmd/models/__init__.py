"""Models on disk: what they are called, where they come from, what their files say.

`names` reads what people type, `catalog` turns an alias into a repository, `gguf` reads headers and
decides what can be served, `manifest` is one model's record on disk, `store` is all of them,
`files` deletes without hurting other tools, `sources` fetches (in a child process), `child` runs
such a child, `download` lets several callers watch one. Never loads a model: nothing here imports
llama_cpp, and huggingface_hub is imported in the child process alone.
"""
