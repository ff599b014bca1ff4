"""`llmd bench` of a real daemon, alone and against itself."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.integration.conftest import Daemon


def test_a_model_is_measured_next_to_another_server(daemon: Daemon) -> None:
    command = ["bench", "llmd-tiny", "--json", "--rounds", "1", "--prompt", "64", "--answer", "8"]
    command += ["--concurrency", "1,4", "--against", f"{daemon.address}/v1"]
    run = subprocess.run(
        [sys.executable, "-m", "llmd", *command],
        env=daemon.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr
    shown = json.loads(run.stdout)
    cases = {case["case"]: case for case in shown["cases"]}
    assert list(cases) == ["prompt", "generation", "1 stream", "4 streams", "shared prefix"]
    for case in cases.values():
        for server in ("llmd", "other"):
            assert case[server]["value"] > 0
            assert case[server]["errors"] == case[server]["short"] == 0
        assert case["ratio"] > 0
    assert cases["prompt"]["llmd"]["prompt_tokens"] >= 64
    assert cases["shared prefix"]["llmd"]["cached_share"] > 0.3
    assert shown["memory"]["resident"] > shown["memory"]["weights"] > 0
