"""Write the trained decoder as GGUF files: one Q8_0, one F16."""

import argparse
import json
from pathlib import Path

import gguf
import torch
from model import Shape
from tokenizers import Tokenizer
from train import SPECIALS

NAMES = {
    "attn_norm.weight": "attn_norm.weight",
    "ffn_norm.weight": "ffn_norm.weight",
    "attn.o.weight": "attn_output.weight",
    "gate.weight": "ffn_gate.weight",
    "up.weight": "ffn_up.weight",
    "down.weight": "ffn_down.weight",
}
NAMES |= {f"attn.{p}.{kind}": f"attn_{p}.{kind}" for p in "qkv" for kind in ("weight", "bias")}


def gguf_name(name):
    if name == "embed.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    _, index, rest = name.split(".", 2)
    return f"blk.{index}.{NAMES[rest]}"


def add_tokenizer(writer, tokenizer):
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([token for token, _ in by_id])
    control = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
    writer.add_token_types(
        [
            gguf.TokenType.CONTROL
            if t in control
            else gguf.TokenType.USER_DEFINED
            if t in SPECIALS
            else gguf.TokenType.NORMAL
            for t, _ in by_id
        ]
    )
    writer.add_token_merges(merges)
    ids = dict(by_id)
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_eot_token_id(ids["<|im_end|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(
        (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf8")
    )


def write(path, shape, weights, tokenizer, kind):
    writer = gguf.GGUFWriter(str(path), "qwen2")
    writer.add_name("llmd-tiny")
    writer.add_author("llmd")
    writer.add_license("apache-2.0")
    writer.add_description(
        "Built-in demonstration model of llmd, "
        "trained on synthetic conversations in English and Chinese"
    )
    writer.add_languages(["en", "zh"])
    writer.add_context_length(2048)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.blocks)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_file_type(
        gguf.LlamaFileType.MOSTLY_Q8_0 if kind == "q8_0" else gguf.LlamaFileType.MOSTLY_F16
    )
    add_tokenizer(writer, tokenizer)
    quantized = gguf.GGMLQuantizationType.Q8_0 if kind == "q8_0" else gguf.GGMLQuantizationType.F16
    for name, tensor in weights.items():
        values = tensor.float().numpy()
        if values.ndim == 2:
            writer.add_tensor(
                gguf_name(name), gguf.quants.quantize(values, quantized), raw_dtype=quantized
            )
        else:
            writer.add_tensor(gguf_name(name), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    out = parser.parse_args().out
    saved = torch.load(out / "checkpoint.pt")
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    for kind in ("q8_0", "f16"):
        write(
            out / f"llmd-tiny-{kind}.gguf",
            Shape(**saved["shape"]),
            saved["weights"],
            tokenizer,
            kind,
        )


if __name__ == "__main__":
    main()
