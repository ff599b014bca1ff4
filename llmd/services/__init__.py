"""Use cases, one file per noun: what any front end, in any dialect, can ask of the daemon.

`Gate` counts requests and refuses them while draining (gate.py); `Generation` answers prompts and
embeds (generation.py); `Library` keeps the models on disk (library.py); `Residents` loads and
unloads (residents.py); `Requests` tells how each request stands (requests.py); `Pulls` downloads
(pulls.py); `Presets` lays prompts and options over models (presets.py); `Verification` finds damage
(verification.py); `Upkeep` measures and clears the disk (upkeep.py); `Defaults` says which model
answers when none is named (defaults.py); `Status` tells how the daemon is (status.py); `Services`
bundles them for the front ends (bundle.py). Knows nothing of HTTP, SQL or llama.cpp.
"""
