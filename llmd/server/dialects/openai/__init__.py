"""The OpenAI-compatible API at `/v1`: chat/completions, completions, embeddings, models.

Unknown fields are tolerated, wrong types are a 400 that names the parameter, and what llmd cannot
do (yet) is refused rather than ignored. llmd's own additions: `top_k`, `min_p`, `typical_p`,
`repeat_penalty`, `repeat_last_n`, `ignore_eos`, `context_overflow`, `chat_template_kwargs`,
`enable_thinking`, `reasoning_budget`, `reasoning_format`, and `timings` inside `usage`.
"""
