"""Scripts of readings: what is called for, and when."""

from __future__ import annotations

from llmd.runtime.residency.pressure import Measure, Reading, Strain, stalled

MIB = 2**20
CALM = Reading(available=900 * MIB, reserve=500 * MIB)
SHORT = Reading(available=200 * MIB, reserve=500 * MIB)


def test_nothing_happens_while_there_is_memory() -> None:
    assert Strain().judge(CALM, 0.0) == Measure()


def test_caches_shrink_first_by_what_is_missing_then_one_idle_model_after_the_other_goes() -> None:
    strain = Strain()
    assert strain.judge(SHORT, 100.0) == Measure(shrink=300 * MIB)
    assert strain.judge(SHORT, 101.0) == Measure(), "that needs a moment to take effect"
    assert strain.judge(SHORT, 105.0) == Measure(unload=True)
    assert strain.judge(SHORT, 106.0) == Measure()
    assert strain.judge(SHORT, 110.0) == Measure(unload=True)
    assert strain.judge(CALM, 111.0) == Measure()
    assert strain.judge(SHORT, 116.0).shrink, "a new shortage begins with the caches"


def test_with_no_idle_model_left_the_caches_are_asked_again() -> None:
    strain = Strain()
    strain.judge(SHORT, 0.0)
    assert strain.judge(SHORT, 5.0).unload
    strain.nothing_left()
    assert strain.judge(SHORT, 10.0).shrink


def test_standing_still_shrinks_caches_but_unloads_nothing_while_memory_is_left() -> None:
    strain = Strain()
    still = Reading(available=900 * MIB, reserve=500 * MIB, stalled=25.0)
    assert strain.judge(still, 0.0).shrink == 64 * MIB
    assert strain.judge(still, 10.0) == Measure()


def test_the_kernels_words_are_read() -> None:
    text = (
        "some avg10=40.00 avg60=1.0 avg300=0 total=5\nfull avg10=12.50 avg60=0 avg300=0 total=1\n"
    )
    assert stalled(text) == 12.5
    assert stalled("") == 0
    assert stalled("full avg10=much") == 0
    assert stalled("full nonsense") == 0
