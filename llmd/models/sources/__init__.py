"""Places that models are fetched from, each a program of its own.

`huggingface`, `https`, `ollama` and `modelscope` are run as child processes with what to fetch;
each writes one JSON object a line to standard output: progress, then a result or an error.
`program` is what they share, `transfer` moves the bytes, `selection` chooses among a repository's
files, `lines` are the messages. Nothing here is imported by the daemon but `lines` and `selection`.
"""
