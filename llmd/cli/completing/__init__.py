"""What a shell offers when Tab is pressed: `llmd __complete SHELL WORD...`, within 100 ms.

kinds.py marks options and arguments with what their values are; llmd.cli.completions writes all
commands with those marks into table.json, so that no Tab waits for Typer; words.py takes a bash
command line apart; grammar.py finds out what may stand at the cursor (pure); names.py asks the
daemon for names, never longer than a moment, and never starts it; answering.py puts them together.
llmd.bash, _llmd and llmd.fish are what shells read, the same for every version of llmd. Only the
standard library's light half is imported here: msgspec alone would cost a third of the time.
"""
