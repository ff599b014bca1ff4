"""One loaded model, synchronous, alive only inside a worker process.

bindings/ is the only package that touches llama.cpp. The pure `Scheduler` (scheduler.py, with
waiting.py, chunking.py and prefill_cap.py) decides which `Sequence` (sequence.py) the next decode
call carries; `Engine.step` (step.py) runs it. Shared prefixes: prefix_cache.py, kv_cache.py,
memory.py, prefix_shelf.py, warm_prefixes.py, cache_files/, misses.py. Tokens: sampling.py,
truncation.py, grammar/, forcing.py, drafting/, logprobs.py, stopping.py. Vectors and judged texts:
embedding.py, scoring.py. Pictures and sounds: vision.py makes embeddings, seeing.py reads them into
the cache. loading.py opens a model file. Knows nothing of processes, sockets or chat templates.
"""
