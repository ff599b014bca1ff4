"""Has a chat template tried in a process of its own; see worker/try_template.py."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import msgspec

from llmd.errors import InvalidRequest
from llmd.protocol.templates import Trial, Verdict

_WALL_SECONDS = 30.0


async def check_template(template: str, own: str = "", *, bos: str = "", eos: str = "") -> bool:
    """Return whether a template (Jinja) writes conversations as the model's own one does; raise
    InvalidRequest when it cannot be used at all.
    """
    trial = Trial(template, own, bos, eos) if bos and eos else Trial(template, own)
    verdict = await _ask(msgspec.json.encode(trial))
    if verdict.fault:
        raise InvalidRequest(
            f"The chat template {verdict.fault}",
            hint="Templates are Jinja, as in tokenizer_config.json on the Hugging Face hub.",
            param="template",
        )
    return verdict.same


async def _ask(question: bytes) -> Verdict:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "llmd.runtime.worker.try_template"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        answer, _ = await asyncio.wait_for(process.communicate(question), _WALL_SECONDS)
        return msgspec.json.decode(answer, type=Verdict)
    except (TimeoutError, msgspec.MsgspecError):
        return Verdict("takes too much time or memory.")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
