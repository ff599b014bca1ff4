"""What one decode call carries."""

from __future__ import annotations

from llmd.engine.bindings import Batch, Context, Model
from tests.unit.engine.bindings.conftest import Decode


def test_decode_gives_the_same_logits_in_one_call_or_two(
    context: Context, model: Model, decode: Decode
) -> None:
    whole = decode(context, model, "<|im_start|>user\nHello")
    tokens = model.vocab.tokenize("<|im_start|>user\nHello", add_special=False, parse_special=True)
    batch = Batch(8)
    batch.fill(0, tokens[:-1], 0, 1)
    assert context.decode(batch, len(tokens) - 1) == 0
    batch.fill(0, tokens[-1:], len(tokens) - 1, 1)
    batch.outputs[0] = 1
    assert context.decode(batch, 1) == 0
    assert int(context.logits(1)[0].argmax()) == whole


def test_rows_of_logits_come_in_the_order_of_the_batch(
    context: Context, model: Model, decode: Decode
) -> None:
    alone = [
        decode(context, model, text, sequence)
        for sequence, text in enumerate(["The capital", "猫是"])
    ]
    context.clear()
    batch = Batch(64)
    end = 0
    for sequence, text in enumerate(["The capital", "猫是"]):
        tokens = model.vocab.tokenize(text, add_special=False, parse_special=True)
        end = batch.fill(end, tokens, 0, sequence)
        batch.outputs[end - 1] = 1
    assert context.decode(batch, end) == 0
    assert context.logits(2).argmax(axis=1).tolist() == alone
