from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

QUERY = "/control/catalog?query={}&kind={}&max_size={}"


def offer(alias: str, **fields: Any) -> dict[str, Any]:
    return {
        "alias": alias,
        "also": [],
        "source": "acme/m-GGUF",
        "kind": "chat",
        "parameters": 4_000_000_000,
        "active": 0,
        "license": "MIT",
        "context": 8192,
        "capabilities": ["chat", "tools"],
        "sampling": {"temperature": 0.6},
        "projector": "",
        "draft": "",
        "description": "A model",
        "tags": [],
        "quantization": "Q4_0",
        "size": 2_500_000_000,
        "fit": "tight",
        "variants": [
            {"name": alias, "quantization": "Q4_0", "size": 2_500_000_000, "fit": "tight"},
            {"name": f"{alias}:Q8_0", "quantization": "Q8_0", "size": 0, "fit": "unknown"},
        ],
        "installed": [],
        "own": False,
        **fields,
    }


def test_several_are_a_table(llmd: Llmd, daemon: FakeDaemon) -> None:
    models = [offer("a-4b", installed=["a-4b"]), offer("b-4b", active=10**9, context=0, size=0)]
    daemon.answers[QUERY.format("", "", 0)] = {"models": models}
    result = llmd("search")
    heading, first, second = result.out.splitlines()
    assert heading.split() == (
        "NAME SIZE FITS PARAMETERS CONTEXT ABILITIES LICENSE HERE DESCRIPTION".split()
    )
    assert first.split() == (
        ["a-4b", "2.5", "GB", "tight", "4.0B", "8K", "chat", "tools", "MIT", "yes", "A", "model"]
    )
    assert "4.0B (1.0B active)" in second
    assert "?" in second


def test_contexts_are_written_as_people_say_them(llmd: Llmd, daemon: FakeDaemon) -> None:
    lengths = {512: "512", 131_072: "128K", 128_000: "128K", 1_048_576: "1024K"}
    models = [offer(f"m{length}", context=length) for length in lengths]
    daemon.answers[QUERY.format("", "", 0)] = {"models": models}
    rows = llmd("search").out.splitlines()[1:]
    assert [row.split()[5] for row in rows] == list(lengths.values())


def test_one_is_described_with_its_variants(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers[QUERY.format("a-4b", "", 0)] = {"models": [offer("a-4b", also=["a:4b"])]}
    out = llmd("search", "a-4b").out
    assert "also         a:4b" in out
    assert "sampling     temperature 0.6" in out
    assert "8192 tokens" in out
    assert out.splitlines()[-2].split() == ["a-4b", "Q4_0", "2.5", "GB", "tight"]
    assert out.splitlines()[-1].split() == ["a-4b:Q8_0", "Q8_0", "?", "?"]


def test_words_and_limits_are_sent(llmd: Llmd, daemon: FakeDaemon) -> None:
    answer = {"models": [offer("a-4b")]}
    daemon.answers[QUERY.format("small+chinese", "vision", 4 * 10**9)] = answer
    result = llmd("search", "small", "chinese", "--kind", "vision", "--max-size", "4GB", "--json")
    assert result.json == answer


def test_a_bad_limit_is_wrong_usage(llmd: Llmd, daemon: FakeDaemon) -> None:
    result = llmd("search", "--max-size", "huge")
    assert result.code == 2
    assert "huge" in result.err
    assert daemon.asked == []


def test_nothing_found_says_what_to_try(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.answers[QUERY.format("quen3", "", 0)] = {"models": [], "near": ["qwen3"]}
    result = llmd("search", "quen3")
    assert (result.code, result.out) == (1, "")
    assert "Did you mean qwen3?" in result.err
    assert "OWNER/REPO" in result.err


def test_damaged_entries_are_told(llmd: Llmd, daemon: FakeDaemon) -> None:
    fault = {"path": "/c.toml", "line": 3, "entry": "x", "reason": "It has no source."}
    daemon.answers[QUERY.format("", "", 0)] = {"models": [offer("a-4b")], "faults": [fault]}
    err = llmd("search").err
    assert err.startswith("/c.toml line 3 (x) is passed over: It has no source.")


def test_names_sizes_and_what_fits_stay_whole_in_80_columns(
    llmd: Llmd,
    daemon: FakeDaemon,
    pretend_columns: Callable[[int], None],
) -> None:
    pretend_columns(80)
    models = [offer(f"deepseek-r1-{size}b-or-so", installed=["x"]) for size in range(9)]
    models.append(offer("qwen3-30b-a3b-thinking", active=10**9, description="Something " * 9))
    daemon.answers[QUERY.format("", "", 0)] = {"models": models}
    result = llmd("search")
    head, *rows = result.out.splitlines()
    assert head.split() == ["NAME", "SIZE", "FITS", "ABILITIES", "HERE", "DESCRIPTION"]
    assert [row.split()[:4] for row in rows] == [
        [one["alias"], "2.5", "GB", "tight"] for one in models
    ]
    assert all(len(row) <= 80 for row in rows)
    assert "PARAMETERS, CONTEXT, LICENSE." in result.err
