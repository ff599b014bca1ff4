"""Which format a model writes its calls in, by the marks in the source of its chat template."""

from __future__ import annotations

from llmd.chat.tools import (
    apertus,
    command_r,
    deepseek,
    deepseek_dsml,
    functionary,
    gemma,
    generic,
    gigachat,
    glm,
    harmony,
    hermes,
    hunyuan,
    json_list,
    kimi,
    kimi_k3,
    lfm2,
    llama,
    minicpm,
    minimax,
    minimax_m3,
    mistral,
    muse,
    qwen_coder,
    solar,
)
from llmd.chat.tools.formats import CallFormat

# the first whose marks all stand in the source; a mark of one format can be part of another's text,
# so the rarer come first
_BY_MARKS: tuple[tuple[CallFormat, tuple[str, ...]], ...] = (
    (harmony.FORMAT, ("<|channel|>", "<|message|>")),
    (muse.FORMAT, ("<atem:function_calls>", "<|eom|>")),
    (gemma.FORMAT, ("<|tool_call>", '<|"|>')),
    (command_r.FORMAT, ("<|START_ACTION|>",)),
    (deepseek.FENCED, ("<｜tool▁calls▁begin｜>", "```json")),
    (deepseek.BARE, ("<｜tool▁calls▁begin｜>",)),
    (kimi.FORMAT, ("<|tool_call_begin|>",)),
    (kimi_k3.FORMAT, ("<|open|>", "<|close|>", "<|end_of_msg|>")),
    (solar.FORMAT, ("<|tool_call:begin|>", "<|tool_call:args|>")),
    (hunyuan.FORMAT, ("<tool_sep{}>", ":opensource")),
    (apertus.FORMAT, ("<|tools_prefix|>",)),
    (deepseek_dsml.V3_2, ("｜DSML｜", "function_calls>")),
    (deepseek_dsml.V4, ("｜DSML｜", "tool_calls>")),
    (minimax_m3.FORMAT, ("]<]minimax[>[", "<invoke name=")),
    (minimax.M2, ("<minimax:tool_call>",)),
    (minimax.M1, ("<tool_calls>", '{"name": <tool-name>, "arguments":')),
    (qwen_coder.SEED, ("<seed:tool_call>",)),
    (glm.FORMAT, ("<arg_key>", "<arg_value>")),
    (qwen_coder.QWEN_CODER, ("<tool_call>", "<function=", "<parameter=")),
    (mistral.IDS, ("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]")),
    (mistral.ARGUMENTS, ("[TOOL_CALLS]", "[ARGS]")),
    (mistral.LIST, ("[TOOL_CALLS]",)),
    (lfm2.FORMAT, ("<|tool_call_start|>",)),
    (lfm2.FORMAT, ("List of tools: <|tool_list_start|>[",)),
    (lfm2.FORMAT, ("List of tools: [",)),
    (json_list.NEMOTRON, ("<TOOLCALL>",)),
    (json_list.APRIEL, ("<tool_calls>[",)),
    (json_list.FIREFUNCTION, ("functools[",)),
    (json_list.GRANITE, ("<|tool_call|>",)),
    (gigachat.FORMAT, ("<|function_call|>",)),
    (gigachat.MESSAGES, ("<|role_sep|>", "<|message_sep|>", "function call")),
    (minicpm.FORMAT, ('<function name="', '<param name="')),
    (functionary.PARTS, (">>>", "all\\n")),
    (functionary.TAGS, ("<function=", "</function>")),
    (hermes.FORMAT, ("<tool_call>",)),
    (llama.FORMAT, ("<|python_tag|>",)),
    (llama.FORMAT, ('{"name": function name, "parameters":',)),
)


def choose_format(source: str, *, describes_tools: bool) -> CallFormat:
    """Return the format of a template; `describes_tools`: it tells the model how to call, else
    llmd does.
    """
    for form, marks in _BY_MARKS:
        if all(mark in source for mark in marks):
            return form
    return generic.FORMAT if describes_tools else hermes.FORMAT
