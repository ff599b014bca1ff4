"""Settings and paths: read once at the edge, validated, handed down section by section.

Nouns: `Settings` and its sections (settings.py), `Duration` and `Size` (values.py), reading and
writing `config.toml` and `LLMD_SECTION_KEY` (store.py), changes of its text (document.py),
directories and the socket (paths.py). Precedence: command-line flag, environment variable, file,
default. Knows nothing of the code that uses the values.
"""
