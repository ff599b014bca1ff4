"""The `llmd` command: reads arguments, asks the daemon through `client`, shows what comes back.

main.py runs one command line and is the one place where errors become messages and exit codes;
commands.py is the table of all commands, one file per group of them, examples.py what their help
ends with, shown.py how help looks. Results are shown by render.py (tables, amounts, --json),
progress.py (bars) and markdown.py; options.py declares the options several commands share,
connect.py finds or starts the daemon, `completing` answers shells. A command is imported when it
is run, and imports rich, prompt_toolkit and msgspec structs inside, so that `llmd ps` stays quick.
Knows nothing of the server, the engine or llama.cpp.
"""
