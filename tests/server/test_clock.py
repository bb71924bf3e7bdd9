"""House time runs as fast as it is told, and never behind what the journal has seen."""

from __future__ import annotations

import time

import pytest

from server.clock import HouseClock

SECOND = 1_000_000


def test_without_a_start_it_is_the_machines_clock() -> None:
    clock = HouseClock()
    before = time.time_ns() // 1000
    assert before <= clock.now() <= time.time_ns() // 1000
    clock.not_before(before + 3600 * SECOND)  # the journal waits for the machine, not the reverse
    assert clock.now() < before + 60 * SECOND
    with pytest.raises(RuntimeError):
        clock.jump(before)


def test_at_speed_0_it_stands_still() -> None:
    clock = HouseClock(5 * SECOND, 0)
    assert {clock.now() for _ in range(1000)} == {5 * SECOND}


def test_it_runs_as_many_times_as_fast_as_life() -> None:
    began = time.monotonic_ns()
    clock = HouseClock(0, 1000)
    after_start = time.monotonic_ns()
    while clock.now() < 5 * SECOND:  # five house seconds: five milliseconds
        pass
    reading_from = time.monotonic_ns()
    now = clock.now()
    reading_until = time.monotonic_ns()
    assert (reading_from - after_start) // 1000 * 1000 - SECOND // 1000 <= now
    assert now <= (reading_until - began) // 1000 * 1000 + SECOND // 1000


def test_it_starts_at_the_journals_last_moment_where_that_is_later() -> None:
    clock = HouseClock(5 * SECOND, 0)
    clock.not_before(9 * SECOND)
    assert clock.now() == 9 * SECOND
    clock.not_before(3 * SECOND)
    assert clock.now() == 9 * SECOND
    clock.jump(4 * SECOND)
    assert clock.now() == 4 * SECOND


def test_it_hurries_until_an_instant_and_goes_on_from_there_at_its_own_speed() -> None:
    began = time.monotonic_ns()
    clock = HouseClock(0, 0, hurry=(3600 * SECOND, 1_000_000))
    assert clock.speed == 1_000_000
    while clock.now() < 3600 * SECOND:  # an hour in 3.6 ms
        assert time.monotonic_ns() - began < 10**10
    assert clock.now() == 3600 * SECOND
    assert clock.speed == 0


def test_who_looks_late_finds_the_time_that_has_passed_since() -> None:
    clock = HouseClock(0, 10, hurry=(SECOND, 1000))
    began = time.monotonic_ns()
    while time.monotonic_ns() - began < 20_000_000:
        pass
    now = clock.now()
    # 1 ms of hurry for the first second, then 19 ms or a little more at ten times life.
    assert SECOND + 190_000 <= now <= SECOND + (time.monotonic_ns() - began) // 100


def test_a_clock_that_is_past_its_hurry_does_not_go_back() -> None:
    clock = HouseClock(9 * SECOND, 0, hurry=(SECOND, 1000))
    assert clock.now() == 9 * SECOND


def test_while_it_hurries_no_night_is_left_out_but_a_journal_is_not_gone_behind() -> None:
    clock = HouseClock(0, 0, hurry=(10**15, 1))
    clock.jump(9 * SECOND)
    assert clock.now() < 9 * SECOND
    clock.not_before(9 * SECOND)
    assert 9 * SECOND <= clock.now() < 18 * SECOND
    assert clock.speed == 1


def test_after_its_hurry_nights_are_left_out() -> None:
    clock = HouseClock(0, 0, hurry=(SECOND, 1_000_000))
    while clock.now() < SECOND:
        pass
    clock.jump(9 * SECOND)
    assert clock.now() == 9 * SECOND


def test_where_it_is_held_it_stands_and_afterwards_goes_on_from_there() -> None:
    clock = HouseClock(0, 1000)
    clock.hold(SECOND)
    while clock.now() < SECOND:
        pass
    began = time.monotonic_ns()
    while time.monotonic_ns() - began < 10_000_000:  # ten seconds that are not made up for
        assert clock.now() == SECOND
    let_go = time.monotonic_ns()
    clock.hold(None)
    shown = clock.now()
    assert SECOND <= shown <= SECOND + time.monotonic_ns() - let_go + SECOND // 1000


def test_holding_it_does_not_take_it_back() -> None:
    clock = HouseClock(9 * SECOND, 0)
    clock.hold(5 * SECOND)
    assert clock.now() == 9 * SECOND
    with pytest.raises(RuntimeError):
        HouseClock().hold(0)


def test_a_hurry_that_is_held_before_its_end_still_hurries_afterwards() -> None:
    clock = HouseClock(0, 0, hurry=(3600 * SECOND, 1_000_000))
    clock.hold(60 * SECOND)
    began = time.monotonic_ns()
    while time.monotonic_ns() - began < 10_000_000:  # by itself it would be over by then
        assert clock.now() <= 60 * SECOND
    assert clock.hurries
    clock.hold(None)
    while clock.hurries:
        assert time.monotonic_ns() - began < 10**10
    assert clock.now() == 3600 * SECOND
