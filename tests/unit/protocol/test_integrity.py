from __future__ import annotations

from llmd.protocol.integrity import DiskUse, FileHealth, Health, ModelHealth


def test_a_model_is_sound_when_all_of_its_files_are() -> None:
    states = (Health.OK, Health.RECORDED, Health.STRUCTURE)
    good = [FileHealth(path="/a", state=state) for state in states]
    assert ModelHealth(name="m", files=good).sound
    bad = FileHealth(path="/b", state=Health.MISSING)
    assert not ModelHealth(name="m", files=[*good, bad]).sound


def test_the_sum_is_of_what_is_llmds() -> None:
    use = DiskUse(
        models=[],
        owned=1,
        foreign=100,
        prefixes=2,
        partial=4,
        logs=8,
        records=16,
        garbage=1,
        free=9,
    )
    assert use.total == 31
