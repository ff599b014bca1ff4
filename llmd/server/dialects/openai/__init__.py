"""The OpenAI-compatible API at `/v1`: chat/completions, completions, embeddings, models.

Unknown fields are passed over, wrong types are a 400 that names the parameter, and known fields
that ask for what llmd cannot do are refused. llmd's own additions: `top_k`, `min_p`, `typical_p`,
`repeat_penalty`, `repeat_last_n`, `ignore_eos`, `context_overflow`, `chat_template_kwargs`,
`enable_thinking`, `reasoning_budget`, `reasoning_format`, and `timings` inside `usage`.
"""
