"""Lays a model's preset upon requests. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from llmd.config.settings import SamplingSettings
from llmd.models.presets.recipe import overlaid
from llmd.protocol.models import Preset, SamplingDefaults
from llmd.protocol.requests import ChatPrompt, GenerateRequest


def sampling(settings: SamplingSettings, preset: SamplingDefaults) -> SamplingDefaults:
    """Return how a model is sampled where a request does not say: its preset over the settings."""
    configured = SamplingDefaults(
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        min_p=settings.min_p,
        max_tokens=settings.max_tokens or None,
    )
    usual = overlaid(configured, preset)
    # a negative seed means any, as Ollama's parameters have it
    return usual if (usual.seed or 0) >= 0 else msgspec.structs.replace(usual, seed=None)


def stops(defaults: SamplingDefaults, asked: list[str]) -> list[str]:
    """Return the texts that end an answer: the request's, then the preset's, each once.

    The preset's stay, unlike its other defaults, since most of them belong to the way the model was
    trained to write.
    """
    return list(dict.fromkeys([*filter(None, asked), *(defaults.stop or [])]))


def conversation(preset: Preset, prompt: ChatPrompt) -> ChatPrompt:
    """Return a conversation with the preset's system prompt, unless it brings one, and its example
    turns before its own.
    """
    if not preset.system and not preset.messages:
        return prompt
    own = prompt.messages
    leading = own[:1] if own and own[0].get("role") == "system" else []
    brings = any(message.get("role") == "system" for message in own)
    if not leading and preset.system and not brings:
        leading = [_message("system", preset.system)]
    examples = [
        _message(turn.role, turn.content)
        for turn in preset.messages
        if not (turn.role == "system" and (leading or brings))
    ]
    rest = own[1:] if own and leading and leading[0] is own[0] else own
    return msgspec.structs.replace(prompt, messages=[*leading, *examples, *rest])


def request(preset: Preset, asked: GenerateRequest) -> GenerateRequest:
    """Return a request as the preset has it."""
    if not isinstance(asked.prompt, ChatPrompt):
        return asked
    prompt = conversation(preset, asked.prompt)
    return asked if prompt is asked.prompt else msgspec.structs.replace(asked, prompt=prompt)


def _message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}
