from __future__ import annotations

import subprocess

import pytest

from llmd.cli.completing.words import quoted, split


@pytest.mark.parametrize(
    ("text", "words", "current", "quote"),
    [
        ("", [], "", ""),
        ("llmd", [], "llmd", ""),
        ("llmd ", ["llmd"], "", ""),
        ("llmd  show\tqw", ["llmd", "show"], "qw", ""),
        (r"llmd chat --session my\ tr", ["llmd", "chat", "--session"], "my tr", ""),
        ("llmd chat --session 'my tr", ["llmd", "chat", "--session"], "my tr", "'"),
        ('llmd run "a \\"b\\" \\n', ["llmd", "run"], 'a "b" \\n', '"'),
        ("llmd run '' x", ["llmd", "run", ""], "x", ""),
        ("llmd run 'a b'c", ["llmd", "run"], "a bc", ""),
        ("llmd run x\\", ["llmd", "run"], "x", ""),
        ("llmd run 你好 世", ["llmd", "run", "你好"], "世", ""),
    ],
)
def test_a_line_is_taken_apart_as_bash_does(
    text: str, words: list[str], current: str, quote: str
) -> None:
    assert split(text) == (words, current, quote)


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize(
    "word", ["plain", "my trip", "it's $5 (`now`)", 'say "hi"', "a;b&c|d", "行"]
)
def test_bash_reads_a_quoted_word_as_it_was(word: str, quote: str) -> None:
    line = f"printf %s {quote}{quoted(word, quote)}{quote}"
    result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert result.stdout == word
