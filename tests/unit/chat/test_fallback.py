from __future__ import annotations

import pytest

from llmd.chat import fallback
from llmd.chat.template import ChatTemplate

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Bye"},
]


@pytest.mark.parametrize(
    ("marker", "chosen"),
    [
        ("<|im_start|>", fallback.CHATML),
        ("<|start_header_id|>", fallback.LLAMA_3),
        ("<start_of_turn>", fallback.GEMMA),
        ("[INST]", fallback.INSTRUCT),
    ],
)
def test_a_marker_in_the_vocabulary_decides(marker: str, chosen: fallback.Format) -> None:
    assert fallback.choose(None, marker.__eq__) is chosen
    assert fallback.choose(" \n", marker.__eq__) is chosen


def test_without_a_marker_the_first_token_hints_at_llama_2() -> None:
    assert fallback.choose(None, lambda _: False, "<s>") is fallback.INSTRUCT
    assert fallback.choose(None, lambda _: False, "<bos>") is fallback.PLAIN


def test_the_models_own_source_wins() -> None:
    assert fallback.choose("{{ x }}", lambda _: True, "<s>") == fallback.Format("{{ x }}")


@pytest.mark.parametrize(
    ("chosen", "prompt"),
    [
        (
            fallback.CHATML,
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        (
            fallback.LLAMA_3,
            "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        (
            fallback.GEMMA,
            "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n"
            "<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n",
        ),
        (fallback.INSTRUCT, "<s>[INST] Be brief.\n\nHi [/INST] Hello.</s>[INST] Bye [/INST]"),
        (fallback.PLAIN, "<s>Be brief.\n\nUser: Hi\nAssistant: Hello.\nUser: Bye\nAssistant:"),
    ],
)
def test_a_conversation_in_each_format(chosen: fallback.Format, prompt: str) -> None:
    assert ChatTemplate(chosen.source, bos="<s>", eos="</s>").render(TALK) == prompt
