"""What the log of llama.cpp's quantiser tells, piece by piece as it comes."""

from __future__ import annotations

from llmd.engine.quantizing import Narration, Step

_SHAPE = "[   896,  4864,     1,     1]"


def test_tensors_are_counted_with_the_bytes_before_them() -> None:
    steps: list[Step] = []
    told = Narration(steps.append)
    for level, text in (
        (2, f"[   1/ 290] output_norm.weight                   - {_SHAPE}, type =    f32, "),
        (2, "size =    0.500 MiB\n"),
        (2, f"[   2/ 290] blk.23.ffn_down.weight               - {_SHAPE}, type =   q4_0, "),
        (2, "converting to q6_K .. "),
        (2, "size =     2.34 MiB ->     3.50 MiB\n"),
        (2, f"[   3/ 290] blk.23.ffn_up.weight                 - {_SHAPE}, type =   bf16, "),
    ):
        told(level, text)
    assert steps == [
        Step(1, 290, "output_norm.weight", 0),
        Step(2, 290, "blk.23.ffn_down.weight", 2**19),
        Step(3, 290, "blk.23.ffn_up.weight", 4 * 2**20),
    ]
    assert told.converted == {"Q4_0"}


def test_the_end_of_a_dry_run_is_read() -> None:
    told = Narration()
    told(2, "llama_model_quantize_impl: model size  =   265.25 MiB (4.50 BPW)\n")
    told(2, "llama_model_quantize_impl: quant size  =   373.71 MiB (6.35 BPW)\n")
    told(
        3, "llama_model_quantize_impl: WARNING: 144 of 290 tensor(s) required fallback quantization"
    )
    assert told.size == round(373.71 * 2**20)
    assert told.bits == 6.35
    assert told.fallbacks == 144
    assert not told.needs_imatrix
    assert told.done == 0


def test_the_need_of_an_importance_matrix_is_read() -> None:
    dry = Narration()
    dry(3, "... actually completing this quantization will require an imatrix!\n")
    assert dry.needs_imatrix
    real = Narration()
    real(4, "\n=====\n ERROR: this quantization requires an importance matrix!\n")
    real(4, "llama_model_quantize: failed to quantize: this quantization requires an imatrix!\n")
    assert real.needs_imatrix
    assert real.failure == "this quantization requires an imatrix!"


def test_the_cause_of_a_failure_is_the_last_word_on_it() -> None:
    told = Narration()
    told(4, "gguf_init_from_file_ptr: failed to read tensor info\n")
    assert told.failure.endswith("tensor info")
    told(4, "llama_model_quantize: failed to quantize: model is corrupted\n")
    told(4, "and more\n")
    assert told.failure == "model is corrupted"


def test_other_lines_mean_nothing() -> None:
    told = Narration()
    told(2, "llama_model_loader: - type q4_0:  169 tensors\n")
    told(2, "[ nonsense / ] size = many MiB")
    assert (told.done, told.size, told.failure) == (0, 0, "")
