"""Conversations as the chat page has them, without anything of a terminal.

A `Talk` is a row of `Turn`s (talk.py, turns.py) with `Wishes` for its answers (wishes.py);
chunks.py adds a streamed answer to a turn, asking.py asks for one, keeping.py keeps talks in the
daemon's sessions and finds them again, `Desk` (desk.py) has all that are open. wording.py says in
a line how an answer stands; commands.py, completing.py, lines.py, pictures.py and code.py are what
an input line needs. Only asking.py, keeping.py and desk.py call the daemon; none knows Textual.
"""
