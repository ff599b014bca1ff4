from __future__ import annotations

import io

import msgspec

from llmd.protocol.devices import Sighting
from llmd.runtime.worker.devices import look, main


def test_one_line_of_json_tells_what_is_there() -> None:
    out = io.BytesIO()
    main(out)
    (line,) = out.getvalue().splitlines()
    seen = msgspec.json.decode(line, type=Sighting)
    assert "CPU" in seen.features
    assert all(gpu.name != "CPU" for gpu in seen.gpus)
    assert [gpu.name for gpu in seen.gpus] == [gpu.name for gpu in look().gpus]
