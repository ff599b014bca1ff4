"""The child process of one loaded model: `python -m llmd.runtime.worker FD`.

__main__.py opens the model and starts four threads, so that nothing waits for what it does not
need: the main one runs loop.py (commands in, engine steps, events out); a reader takes frames (a
cancellation must not wait for a long prompt to be tokenised); a preparer turns requests into
sequences (intake.py: prompts to tokens; steering.py: what an answer must keep to, and who reads it;
assembly.py: everything else a sequence needs); the
channel's writer encodes and sends while llama.cpp, which releases the interpreter lock, decodes.
Where the model has a projector, a fifth encodes pictures and sounds (illustrator.py).
When the daemon's end closes, for whatever reason, the process ends at once.
"""
