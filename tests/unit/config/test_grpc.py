from __future__ import annotations

import msgspec
import pytest

from llmd.config.grpc import GrpcSettings
from llmd.config.values import decode


def test_grpc_is_off_and_local_unless_asked_for() -> None:
    assert not GrpcSettings().enabled
    assert (GrpcSettings().host, GrpcSettings().port) == ("127.0.0.1", 50051)


@pytest.mark.parametrize("wrong", [{"port": 65536}, {"max_calls": 0}, {"max_message": "much"}])
def test_wrong_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, GrpcSettings, dec_hook=decode)
