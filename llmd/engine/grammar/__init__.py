"""Constrained output: which tokens may come next so that an answer keeps a promised form.

source.py turns a constraint into llguidance's language (gbnf.py reads llama.cpp's grammars on the
way); compiler.py compiles it once for a vocabulary and says why one is refused (schema.py finds
the place in a JSON Schema, closing.py the objects that may be closed); `Matcher` follows one answer
through the grammar, `Alternatives` through two; `ConstrainedSampler` wraps any sampler with either;
a `TextGate` finds where in an answer a grammar begins. Everything fails
closed: what cannot be enforced is refused, and an answer that its grammar leaves no way on ends in
an error. Knows nothing of requests or chat formats; only the sampler knows llama.cpp's wrappers.
"""
