from __future__ import annotations

from pathlib import Path

import msgspec

from llmd.errors import InvalidRequest, ModelNotFound
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

AT_WORK = {
    "status": "quantizing",
    "name": "m:Q4_0",
    "tensor": 3,
    "tensors": 50,
    "done": 5,
    "total": 10,
    "rate": 1.0,
}
TYPES = [
    {"name": "Q8_0", "bits": 8.5, "purpose": "hardly smaller", "refusal": "It is larger."},
    {"name": "Q4_0", "bits": 4.6, "purpose": "quick", "size": 2_000_000, "model_bits": 4.7},
    {"name": "IQ1_S", "bits": 2.0, "purpose": "tiny", "needs_imatrix": True},
]


def test_shows_the_way_and_what_to_do_with_the_model(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.pull = [{"status": "measuring", "name": "m:Q4_0"}, AT_WORK]
    result = llmd("quantize", "m", "Q4_0")
    assert result.code == 0
    assert result.out == ""
    assert result.err.splitlines() == [
        "measuring m:Q4_0",
        "quantizing m:Q4_0 50% of 10 B 1 B/s, 5.0 s left",
        "m:Q4_0 is ready (4.6 MB): llmd chat m:Q4_0",
    ]


def test_json_is_ndjson(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.pull = [AT_WORK]
    first, last = map(msgspec.json.decode, llmd("quantize", "m", "q4_0", "--json").out.splitlines())
    assert first == AT_WORK
    assert last["model"]["name"] == "m:q4_0"


def test_options_are_sent_with_absolute_paths(
    llmd: Llmd, daemon: FakeDaemon, tmp_path: Path
) -> None:
    arguments = ["--imatrix", "m.dat", "--name", "x", "--output-tensor-type", "Q8_0"]
    more = ["--token-embedding-type", "F16", "--keep-split", "--requantize", "--threads", "3"]
    assert llmd("quantize", "./model.gguf", "Q2_K", *arguments, *more).code == 0
    assert daemon.body("/control/quantize") == {
        "model": str(Path("model.gguf").absolute()),
        "name": "x",
        "recipe": {
            "type": "Q2_K",
            "imatrix": str(Path("m.dat").absolute()),
            "output_tensor_type": "Q8_0",
            "token_embedding_type": "F16",
            "keep_split": True,
            "requantize": True,
            "threads": 3,
        },
    }


def test_types_are_listed(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.types = TYPES
    lines = llmd("quantize", "--list").out.splitlines()
    assert lines[0].split() == ["TYPE", "BITS/WEIGHT", "IMATRIX", "FOR"]
    assert lines[3].split() == ["IQ1_S", "2.00", "needed", "tiny"]
    assert llmd("quantize", "--list", "--json").json == {"types": TYPES}


def test_types_are_listed_with_the_sizes_of_a_model(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.types = TYPES
    result = llmd("quantize", "o/r:F16", "--list")
    assert daemon.asked[-1][1] == "/control/quantizations?model=o%2Fr%3AF16"
    assert result.out.splitlines()[2].split() == ["Q4_0", "2.0", "MB", "4.70", "quick"]
    assert result.err == "not from this model without --requantize: Q8_0\n"


def test_a_model_and_a_type_are_wanted(llmd: Llmd, daemon: FakeDaemon) -> None:
    for arguments in ([], ["m"]):
        result = llmd("quantize", *arguments)
        assert result.code == 2
        assert "quantize --list" in result.err


def test_refusals_are_shown(llmd: Llmd, daemon: FakeDaemon) -> None:
    refusal = InvalidRequest("m is Q4_0 already.", hint="Quantise from F16.")
    daemon.failures["/control/quantize"] = refusal
    result = llmd("quantize", "m", "Q8_0")
    assert (result.code, result.err) == (1, "Error: m is Q4_0 already. Quantise from F16.\n")
    daemon.failures["/control/quantize"] = ModelNotFound("There is no model m.")
    assert llmd("quantize", "m", "Q8_0").code == 4
