"""The `llmd` command: reads arguments, asks the daemon through `client`, shows what comes back.

main.py holds the application and the one place where errors become messages and exit codes. One
file per group of commands: serve, logs, models, pull, run, embed, chat, loaded, config, doctor.
Shown by render.py (tables, amounts, --json), progress.py (bars) and markdown.py; options.py
declares the options several commands share, connect.py finds or starts the daemon. Modules that
every command imports stay light: rich, prompt_toolkit and msgspec structs are imported inside the
commands that need them. Knows nothing of the server, the engine or llama.cpp.
"""
