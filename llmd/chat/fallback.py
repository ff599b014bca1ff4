"""Prompt formats for models whose file brings no chat template, chosen by the markers their
vocabulary knows.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Format(msgspec.Struct, frozen=True):
    """A template source, and the texts that end an answer where the model has no token for it."""

    source: str
    stops: tuple[str, ...] = ()


# all text stands inside expressions, so that layout does not matter
CHATML = Format(r"""
{%- for m in messages %}
{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %}""")
LLAMA_3 = Format(r"""
{{- bos_token }}
{%- for m in messages %}
{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content|trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}""")
GEMMA = Format(r"""
{{- bos_token }}
{%- for m in messages %}
{%- if m.role == 'system' %}{{ raise_exception('there is no system role') }}{% endif %}
{%- set role = 'model' if m.role == 'assistant' else m.role %}
{{- '<start_of_turn>' + role + '\n' + m.content|trim + '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<start_of_turn>model\n' }}{% endif %}""")
INSTRUCT = Format(r"""
{{- bos_token }}
{%- for m in messages %}
{%- if m.role == 'system' %}{{ raise_exception('there is no system role') }}
{%- elif m.role == 'assistant' %}{{- ' ' + m.content|trim + eos_token }}
{%- else %}{{- '[INST] ' + m.content|trim + ' [/INST]' }}{% endif %}
{%- endfor %}""")
PLAIN = Format(
    r"""
{{- bos_token }}
{%- for m in messages %}
{%- if m.role == 'system' %}{{- m.content|trim + '\n\n' }}
{%- else %}{{- m.role|capitalize + ': ' + m.content|trim + '\n' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- 'Assistant:' }}{% endif %}""",
    stops=("\nUser:",),
)

_BY_MARKER = (
    ("<|im_start|>", CHATML),
    ("<|start_header_id|>", LLAMA_3),
    ("<start_of_turn>", GEMMA),
    ("[INST]", INSTRUCT),
)


def choose(source: str | None, is_token: Callable[[str], bool], bos: str = "") -> Format:
    """Return the model's own source, or else the format its vocabulary hints at; `<s>` hints at
    Llama 2 and Mistral.
    """
    if source and source.strip():
        return Format(source)
    for marker, chosen in _BY_MARKER:
        if is_token(marker):
            return chosen
    return INSTRUCT if bos == "<s>" else PLAIN
