"""When appointments that have not reported yet would be called, against halls worked out by hand.

Everybody takes ten minutes from their call: 45 seconds to walk and 555 at the counter.
"""

from __future__ import annotations

from dataclasses import replace

from domain.days import MINUTE, THURSDAY_HALL, Played, appointment, house_of, utc

from server.domain import commands as co
from server.domain.calling import standings
from server.domain.forecast import slots

NINE = utc("2026-11-26 08:00")


def at(minutes):
    """An instant so many minutes after nine."""
    return NINE + minutes * MINUTE


def opened(*booked, counters=("2",), k=3):
    """A hall at nine; ``booked`` are ids with minutes after nine, for civil affairs."""
    house = house_of(replace(THURSDAY_HALL, k=k))
    services = {name: replace(service, target_s=555) for name, service in house.services.items()}
    hall = Played(
        replace(house, services=services),
        NINE,
        tuple(appointment(ref, "burger", at(minutes)) for ref, minutes in booked),
    )
    for counter in counters:
        hall.do(co.OpenCounter(counter=counter))
    return hall


def begins(hall, until=120):
    """Minutes after nine at which each is called."""
    places = standings(hall.house, hall.day, hall.now)
    found = slots(hall.house, hall.day, places, hall.now, at(until))
    return {ref: (begin - NINE) / MINUTE for ref, begin in found.items()}


def test_with_nobody_before_it_an_appointment_begins_at_its_slot():
    assert begins(opened(("a", 30), ("b", 45))) == {"a": 30, "b": 45}


def test_slots_closer_than_the_work_run_later_and_later():
    hall = opened(("a", 30), ("b", 35), ("c", 40), ("d", 60))
    assert begins(hall) == {"a": 30, "b": 40, "c": 50, "d": 60}


def test_two_counters_share_them():
    hall = opened(("a", 30), ("b", 30), ("c", 30), counters=("2", "3"))
    assert begins(hall) == {"a": 30, "b": 30, "c": 40}


def test_later_slots_and_those_who_are_not_awaited_take_nobodys_time():
    hall = opened(("a", 30), ("b", 30), ("gone", 30), ("later", 90))
    hall.do(co.Cancel(known=hall.day.appointments["gone"], by="citizen"))
    assert begins(hall, until=60) == {"a": 30, "b": 40}


def test_who_waits_without_an_appointment_stands_behind_one_that_is_due():
    hall = opened(("a", 5))
    for _ in range(4):
        hall.walk_in("burger")
    # At nine the first walk-in is called, who is there until ten past; then the appointment is due.
    assert begins(hall) == {"a": 10}


def test_one_call_in_k_is_of_somebody_who_waited_too_long():
    hall = opened(("a", 40), ("b", 40), ("c", 40), ("d", 40))
    for _ in range(9):
        hall.walk_in("burger")
    # Walk-ins until 40; then one who has waited for over twenty minutes, a, b, another walk-in, c, d.
    assert begins(hall) == {"a": 50, "b": 60, "c": 80, "d": 90}


def test_who_came_early_is_taken_where_a_counter_would_stand_idle():
    hall = opened(("here", 30), ("a", 35))
    hall.report("here")
    assert begins(hall) == {"a": 35}


def test_no_counter_stands_idle_because_an_appointment_comes_soon():
    hall = opened(("a", 30), ("b", 28))
    hall.at(at(27)).walk_in("burger")
    # The walk-in is called at 27 and there until 37; then the earlier slot.
    assert begins(hall) == {"a": 47, "b": 37}


def test_who_is_here_and_who_is_to_come_go_by_their_slots():
    hall = opened(("here", 32), ("a", 31), ("b", 33))
    hall.at(at(25)).walk_in("burger")
    hall.call("2")
    hall.at(at(28)).report("here")
    # Called at 25 and there until 38 by then; a, who is here, b.
    assert begins(hall) == {"a": 38, "b": 58}


def test_somebody_at_the_counter_is_waited_for():
    hall = opened(("a", 5))
    hall.walk_in("burger")
    hall.call("2")
    hall.do(co.Start(counter="2"))
    assert begins(hall) == {"a": 9.25}


def test_a_counter_that_pauses_goes_on_and_a_closed_one_does_not():
    hall = opened(("a", 30), ("b", 30), counters=("2", "3"))
    hall.do(co.PauseCounter(counter="3"))
    assert begins(hall) == {"a": 30, "b": 30}
    hall.do(co.CloseCounter(counter="3"))
    assert begins(hall) == {"a": 30, "b": 40}
    hall.do(co.CloseCounter(counter="2"))
    assert begins(hall) == {}
