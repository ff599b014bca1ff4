"""What the instructions of a Modelfile mean here. What llmd has no counterpart for is refused, or
left out with a note where Ollama itself heeds it no more or it says nothing about answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from llmd.errors import InvalidRequest
from llmd.models.presets.modelfile import Instruction, fault, instructions
from llmd.models.presets.recipe import AdapterWish, GoTemplate, Recipe
from llmd.models.presets.tables import LONGEST, read_changes
from llmd.protocol.models import Turn

_SAMPLING = {
    "temperature": float,
    "top_k": int,
    "top_p": float,
    "min_p": float,
    "typical_p": float,
    "repeat_penalty": float,
    "repeat_last_n": int,
    "presence_penalty": float,
    "frequency_penalty": float,
    "seed": int,
    "num_predict": int,
}
_RENAMED = {"num_predict": "max_tokens"}
_OPTIONS = {"num_ctx": "context_length", "num_gpu": "gpu_layers"}
_SWITCHES = {"use_mmap": "mmap", "use_mlock": "mlock"}
# below zero these mean "no limit" and "any", which is what leaving them out means here
_UNLIMITED = frozenset({"num_predict", "seed", "num_gpu"})
_ELSEWHERE = {
    "num_thread": "threads are engine.threads of the settings",
    "num_batch": "batches are engine.batch of the settings",
    "main_gpu": "GPUs are shared out with tensor_split",
    "num_keep": "what is kept of a full context is context_overflow's business",
    "draft_num_predict": "guesses are speculation.longest of the settings",
}
_OBSOLETE = frozenset(
    {
        "f16_kv",
        "logits_all",
        "low_vram",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "numa",
        "num_gqa",
        "penalize_newline",
        "rope_frequency_base",
        "rope_frequency_scale",
        "tfs_z",
        "vocab_only",
    }
)
_WORDS = {"true": True, "1": True, "false": False, "0": False}
_SINGLE = ("system", "template")


def read_modelfile(text: str) -> Recipe:
    """Read a Modelfile; raise InvalidRequest with the line and the reason."""
    if len(text) > LONGEST:
        raise InvalidRequest(f"A Modelfile has at most {LONGEST} characters.", param="file")
    found = instructions(text)
    bases = [item for item in found if item.name == "from"]
    if len(bases) > 2:  # noqa: PLR2004  a model and its projector
        raise fault(bases[2].line, "FROM names a model and its projector, nothing more")
    texts = {item.name: item for item in found if item.name in _SINGLE}
    template = texts.get("template")
    parameters = [item for item in found if item.name == "parameter"]
    changes = _changes(parameters)
    return Recipe(
        base=bases[0].value if bases else "",
        projector=bases[1].value if len(bases) > 1 else None,
        system=texts["system"].value if "system" in texts else None,
        go_template=GoTemplate(template.value, template.line) if template else None,
        messages=_messages(found) or None,
        license="\n\n".join(item.value for item in found if item.name == "license") or None,
        draft=next((item.value for item in found if item.name == "draft"), None),
        sampling=changes.sampling,
        options=changes.options,
        adapters=[AdapterWish(path=item.value) for item in found if item.name == "adapter"],
        notes=[*_left_out(parameters), *_unused(found)],
    )


def _messages(found: Iterable[Instruction]) -> list[Turn]:
    return [Turn(item.subject, item.value) for item in found if item.name == "message"]


def _changes(parameters: Iterable[Instruction]) -> Recipe:
    """Return sampling and options; each value is checked alone so that its line can be named."""
    table: dict[str, dict[str, Any]] = {"sampling": {}, "options": {}}
    for item in parameters:
        if (found := _meaning(item)) is None:
            continue
        section, key, value = found
        try:
            read_changes({section: {key: value}})
        except InvalidRequest as error:
            raise fault(item.line, f"{item.subject}: {_reason(error)}") from error
        if key == "stop":
            value = [*table[section].get(key, []), *value]
        table[section][key] = value
    return read_changes(table)


def _reason(error: InvalidRequest) -> str:
    return error.message.partition(": ")[2].rstrip(".") or error.message


def _meaning(item: Instruction) -> tuple[str, str, Any] | None:
    """Return section, key and value of a parameter; None when it is left out."""
    name, value = item.subject, item.value
    if name == "stop":
        return ("sampling", "stop", [value]) if value else None
    if name in _ELSEWHERE or name in _OBSOLETE:
        return None
    if name in _SWITCHES:
        if value.lower() not in _WORDS:
            raise fault(item.line, f"{name} is true or false, not {value[:40]!r}")
        return "options", _SWITCHES[name], _WORDS[value.lower()]
    if name not in _SAMPLING and name not in _OPTIONS:
        raise fault(
            item.line, f"there is no parameter {name[:60]}", "Take the line out, or mend its name."
        )
    number = _number(item, _SAMPLING.get(name, int))
    if name in _UNLIMITED and number < 0:
        return None
    if name in _OPTIONS:
        return "options", _OPTIONS[name], number
    return "sampling", _RENAMED.get(name, name), number


def _number(item: Instruction, kind: type) -> float:
    text = item.value
    if kind is int and re.fullmatch(r"[+-]?\d{1,18}(\.0*)?", text):
        return int(text.partition(".")[0])
    if kind is float and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    wanted = "a whole number" if kind is int else "a number"
    raise fault(item.line, f"{item.subject} is {wanted}, not {text[:40]!r}")


def _left_out(parameters: Iterable[Instruction]) -> Iterator[str]:
    for item in parameters:
        if item.subject in _ELSEWHERE:
            yield f"line {item.line}: {item.subject} is left out: {_ELSEWHERE[item.subject]}."
        elif item.subject in _OBSOLETE:
            yield f"line {item.line}: {item.subject} is left out: it is obsolete."


def _unused(found: Iterable[Instruction]) -> Iterator[str]:
    for item in found:
        if item.name in {"renderer", "parser"}:
            yield (
                f"line {item.line}: {item.name.upper()} is left out: conversations are written "
                "and read as the chat template has it."
            )
        elif item.name == "requires":
            yield f"line {item.line}: REQUIRES is left out: it is about Ollama."
