from __future__ import annotations

import pytest

from llmd.models.gguf.fields import Fields
from llmd.models.gguf.indexes import index_widths

KEY = "attention.indexer.key_length"
TYPES = "attention.indexer.types"


@pytest.mark.parametrize(
    ("architecture", "values", "widths"),
    [
        ("llama", {}, [0, 0, 0, 0]),
        ("deepseek32", {}, [8, 8, 8, 0]),
        ("glm-dsa", {}, [8, 8, 8, 0]),
        ("glm-dsa", {TYPES: [1, 0, 1, 1]}, [8, 0, 8, 0]),
        ("glm-dsa", {"context_length": 2**20}, [8, 8, 8, 0]),
        ("dots3note", {}, [0, 0, 0, 0]),
        ("dots3note", {TYPES: [0, 1, 0, 1]}, [0, 8, 0, 0]),
        ("glm5-next", {}, [24, 24, 24, 0]),
        ("hy_v4", {TYPES: [1, 1, 1, 1]}, [0, 0, 0, 0]),
        ("hy_v4", {TYPES: [1, 0, 0, 1], "attention.indexer.top_k": 4}, [8, 0, 0, 0]),
        (
            "minimax-m3",
            {"leading_dense_block_count": 2, "attention.value_length": 4},
            [0, 0, 12, 12],
        ),
    ],
)
def test_indexes_lie_where_llama_cpp_puts_them(
    architecture: str, values: dict[str, object], widths: list[int]
) -> None:
    given = {f"{architecture}.{key}": value for key, value in {KEY: 8, **values}.items()}
    assert index_widths(Fields(given, architecture), 4, 1) == widths


def test_long_glm_models_share_most_indexes() -> None:
    values = {f"glm-dsa.{KEY}": 1, "glm-dsa.context_length": 2**20}
    found = index_widths(Fields(values, "glm-dsa"), 12, 0)
    assert found == [1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0]
