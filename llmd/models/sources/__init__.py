"""Places that models are fetched from, each a program of its own.

`huggingface` is run as a child process with a repository and a selector; it writes one JSON object
a line to standard output: progress, then a result or an error. `selection` chooses among a
repository's files, `partial` is one file that is not complete yet, `lines` are the messages.
Nothing here is imported by the daemon but `lines`.
"""
