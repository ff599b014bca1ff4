"""Tries a chat template before a model is given it: `python -m llmd.runtime.worker.try_template`.

Templates come from anywhere, and compiling a hostile one can already fill all memory. Here that
costs a small process. One JSON document comes in and one goes out.
"""

from __future__ import annotations

import resource
import sys
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec

from llmd.chat.template import ChatTemplate
from llmd.errors import InvalidRequest
from llmd.protocol.templates import Trial, Verdict

_CPU_SECONDS = 5
_MEMORY = 2**30
_USER = "What is the capital of France?"
_ASKING = {"role": "user", "content": _USER}
_ANSWER = {"role": "assistant", "content": "Paris."}
_SYSTEM = {"role": "system", "content": "Be brief."}
_TALKS: tuple[list[dict[str, Any]], ...] = (
    [_ASKING],
    [_SYSTEM, _ASKING],
    [_ASKING, _ANSWER, _ASKING],
    [_SYSTEM, _ASKING, _ANSWER, _ASKING],
)


def judge(trial: Trial) -> Verdict:
    """Render some conversations with the template, and with the model's own if there is one."""
    now = datetime(2025, 1, 1, tzinfo=UTC)

    def rendered(source: str) -> list[str]:
        template = ChatTemplate(source, bos=trial.bos, eos=trial.eos, now=lambda: now)
        # the tokeniser puts BOS where a template does not
        return [template.render(talk).removeprefix(trial.bos) for talk in _TALKS]

    try:
        texts = rendered(trial.template)
    except InvalidRequest as error:
        return Verdict(error.message.removeprefix("The model's chat template "))
    if not all(_USER in text for text in texts):
        return Verdict("leaves out what the user says.")
    try:
        return Verdict(same=bool(trial.own) and rendered(trial.own) == texts)
    except InvalidRequest:
        return Verdict()


def main(source: BinaryIO, target: BinaryIO) -> None:
    """Read a trial, write the verdict; the kernel ends what takes too long."""
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    verdict = judge(msgspec.json.decode(source.read(), type=Trial))
    target.write(msgspec.json.encode(verdict))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
