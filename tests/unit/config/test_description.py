from __future__ import annotations

from llmd.config.description import Shape, descriptions, notes
from llmd.config.store import convert, keys


def test_every_setting_and_every_section_is_told_of() -> None:
    assert list(descriptions()) == list(keys())
    told = notes()
    for key in keys():
        assert told[key].endswith("."), key
        assert told[key.partition(".")[0]].endswith(".")
        assert "  " not in told[key]
        assert "\n" not in told[key]


def test_what_a_setting_takes_is_known_without_its_words() -> None:
    found = descriptions()
    port, mode = found["server.port"], found["security.mode"]
    assert (port.shape, port.low, port.high, port.default) == (Shape.WHOLE, 0, 65535, "8000")
    assert (mode.shape, mode.choices) == (Shape.CHOICE, ("open", "keys", "users"))
    assert (mode.section, found["pool.keep_alive"].default) == ("security", "5m")
    assert found["placement.mmap"].default == "true"


def test_every_default_may_be_written_as_it_is_shown() -> None:
    for key, found in descriptions().items():
        convert(key, found.default, "test")
