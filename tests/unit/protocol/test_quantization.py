"""Orders and lines survive the pipe between the daemon and the quantising program."""

from __future__ import annotations

import msgspec
import pytest

from llmd.errors import NoRoom
from llmd.protocol.quantization import (
    Advanced,
    QuantizeOrder,
    Recipe,
    Refused,
    Said,
    Sized,
    Survey,
    Surveyed,
    Work,
    Written,
)

RECIPE = Recipe(
    type="Q4_0",
    imatrix="/m.gguf",
    output_tensor_type="Q8_0",
    token_embedding_type="F16",
    keep_split=True,
    requantize=True,
    threads=3,
)


@pytest.mark.parametrize(
    "work",
    [
        QuantizeOrder(source="/模型.gguf", folder="/f", stem="s", recipe=RECIPE, spare=5),
        Survey(source="/m.gguf", types=["Q4_0"]),
    ],
    ids=lambda work: type(work).__name__,
)
def test_work_survives_the_pipe(work: Work) -> None:
    line = msgspec.json.encode(work)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=Work) == work


@pytest.mark.parametrize(
    "said",
    [
        Sized("Q4_0", 5, 4.5, needs_imatrix=True, fallbacks=3, refusal="No."),
        Advanced(1, 2, "blk.0.ffn_up.weight", 5, 10),
        Written(["/模型.gguf"], 5, 0.5),
        Surveyed(),
        Refused(NoRoom("full").to_wire()),
    ],
    ids=lambda said: type(said).__name__,
)
def test_lines_survive_the_pipe(said: Said) -> None:
    line = msgspec.json.encode(said)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=Said) == said
