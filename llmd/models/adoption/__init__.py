"""Models that other tools already have on this machine: found and registered, never moved, never
deleted.

`places` says where the tools keep them; `ollama`, `hub_cache`, `llama_cache` and `folders` each
read one layout and give a `Find` for every model; `survey` judges the finds (new, registered, a
duplicate, refused and why); `keeping` gives a file a name of llmd's own, by a link or a copy.
Nothing here writes outside llmd's own directory.
"""
