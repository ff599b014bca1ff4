"""Models on disk: what they are called, where they come from, what their files say.

`names` reads what people type (`addresses` where it names a site) into `references`, `catalog`
turns an alias into one, `gguf` reads headers and decides what can be served, `ollama` reads
Ollama's way of describing a model, `adoption` finds what other tools already have, `manifest` is
one model's record on disk, `records` their folder, `store` all models, `presets` what is laid upon
them, `files` deletes without hurting other tools, `integrity` finds damage and litter, `mending`
fetches damaged pieces again, `sources` fetches (in a child process), `child` runs such a child,
`download` lets several callers watch one `courier` (`ordering` says which program, `registration`
enters what it brings), `pacing` shares `bandwidth` among them, `leftovers` finds abandoned ones.
Never loads a model: nothing here imports llama_cpp, and huggingface_hub is imported in the child
process alone.
"""
