"""Habit 7: what is imported where, seen from outside in fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "textual",
    "llama_cpp",
    "grpc",
    "sqlalchemy",
    "ray",
    "numpy",
    "huggingface_hub",
    "jinja2",
    "tomlkit",
}


def loaded_by(module: str) -> set[str]:
    """Top-level names in sys.modules after one import in a new interpreter."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("llmd", HEAVY | {"aiohttp", "msgspec", "rich", "typer"}),
        ("llmd.errors", HEAVY | {"aiohttp", "msgspec"}),
        ("llmd.client.client", HEAVY | {"aiohttp", "asyncio", "rich"}),
        (  # a shell waits for it between two keystrokes
            "llmd.cli.completing.answering",
            HEAVY | {"aiohttp", "asyncio", "email", "http", "msgspec", "pydantic", "typer"},
        ),
        ("llmd.cli.main", HEAVY | {"aiohttp", "rich", "prompt_toolkit"}),
        (
            "llmd.daemon",
            {"llama_cpp", "huggingface_hub", "jinja2", "typer", "prompt_toolkit"},
        ),
        (
            "llmd.daemon.process",  # gRPC is imported where it is enabled
            {"llama_cpp", "grpc", "google", "tomlkit"},
        ),
        (
            "llmd.runtime.worker.__main__",
            {"aiohttp", "huggingface_hub", "typer", "prometheus_client", "uvloop"},
        ),
    ],
)
def test_a_process_loads_only_what_it_needs(module: str, never: set[str]) -> None:
    assert loaded_by(module) & never == set()
