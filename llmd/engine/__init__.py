"""One loaded model, synchronous, alive only inside a worker process.

bindings/ is the only package that touches llama.cpp. `Sequence` is one answer in the making
(sequence.py); the pure `Scheduler` decides what the next decode call carries (scheduler.py);
batch.py writes that into llama.cpp's buffers; `Engine.step` runs it and turns logits into events
(step.py). sampling.py picks tokens, logprobs.py explains the pick, stopping.py holds back stop
texts and split characters, forcing.py takes over where the model may not choose, embedding.py makes
vectors, loading.py opens a model file. vision.py turns pictures and sounds (pictures.py, sounds.py)
into embeddings, seeing.py reads them into the KV cache, media_span.py knows where they stand. Knows
nothing of processes, sockets or chat templates.
"""
