"""Who fetches what over how many connections."""

from __future__ import annotations

from llmd.models.sources.transfer.lanes import STRETCH, Claim, Ramp, next_claim, share

SIZE = 100 * STRETCH


def test_one_alone_takes_everything_in_a_row() -> None:
    assert next_claim([(5, SIZE)], [], alone=True) == Claim(5, SIZE)


def test_several_take_stretches_from_the_front() -> None:
    held = [Claim(0, STRETCH)]
    second = next_claim([(0, SIZE)], held, alone=False)
    assert second == Claim(STRETCH, 2 * STRETCH)
    third = next_claim([(0, SIZE)], [*held, second], alone=False)
    assert third == Claim(2 * STRETCH, 3 * STRETCH)


def test_a_claim_ends_where_another_begins() -> None:
    assert next_claim([(0, SIZE)], [Claim(100, 200)], alone=True) == Claim(0, 100)
    assert next_claim([(0, 150)], [Claim(0, 100)], alone=False) == Claim(100, 150)


def test_nothing_is_left_when_all_is_held() -> None:
    assert next_claim([(0, 100)], [Claim(0, 60), Claim(60, 100)], alone=False) is None
    assert next_claim([], [], alone=True) is None


def test_sharing_leaves_each_the_stretch_it_is_in() -> None:
    claim = Claim(10, SIZE)
    share([claim])
    assert claim == Claim(10, 10 + STRETCH)


def test_connections_are_added_while_they_pay() -> None:
    ramp, done, seen = Ramp(4, 0.0, 0), 0, []
    for second in range(1, 12):
        done += 10 * (seen[-1] if seen else 1)
        seen.append(ramp.lanes(float(second), done, SIZE))
    assert seen[-1] == 4
    assert seen == sorted(seen)


def test_one_that_does_not_pay_is_taken_back() -> None:
    ramp, seen = Ramp(4, 0.0, 0), []
    for second in range(1, 20):
        seen.append(ramp.lanes(float(second), 10 * second, SIZE))
    assert max(seen) == 2
    assert seen[-1] == 1


def test_small_files_get_one() -> None:
    ramp = Ramp(4, 0.0, 0)
    assert [ramp.lanes(float(second), 10 * second, STRETCH) for second in range(1, 9)] == [1] * 8


def test_a_server_that_minds_is_not_asked_for_more() -> None:
    ramp = Ramp(8, 0.0, 0)
    for second in range(1, 9):
        ramp.lanes(float(second), 10 * second**3, SIZE)
    ramp.lower(2)
    assert ramp.lanes(60.0, 10**9, SIZE) <= 2
