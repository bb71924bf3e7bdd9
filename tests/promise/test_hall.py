"""The live house as a forecast sees it, from a Thursday that was told by hand."""

from __future__ import annotations

from domain.days import MINUTE, THURSDAY_HALL, Played, S, appointment, house_of, utc

from server.domain import commands as co
from server.domain.calling import standings
from server.forecasting.scene import Coming, Counter, Waiting
from server.promise.hall import due, scene

NINE = utc("2026-11-26 08:00")
M = MINUTE


def hall(*booked) -> Played:
    day = Played(house_of(THURSDAY_HALL), NINE, booked)
    for counter in "123":
        day.do(co.OpenCounter(counter=counter))
    return day


def seen(day: Played):
    return scene(day.house, day.day, standings(day.house, day.day, day.now), day.now, comes=0.8)


def test_who_waits_stands_in_the_order_of_the_rules_since_their_own_wait_began() -> None:
    day = hall(appointment("a", "burger", NINE + 6 * M))
    day.walk_in("onthaal")
    day.at(NINE + M).walk_in("snel")
    day.at(NINE + 3 * M).report("a")
    day.at(NINE + 7 * M)
    found = seen(day)
    # The appointment goes first and waits since its slot, not since the report.
    assert found.waiting == (
        Waiting("burger", NINE + 6 * M),
        Waiting("onthaal", NINE),
        Waiting("snel", NINE + M),
    )
    assert found.offset_s == 3600
    assert due(standings(day.house, day.day, day.now)) == 1


def test_who_is_early_stands_before_nobody_and_comes_for_sure_at_the_slot() -> None:
    day = hall(appointment("a", "burger", NINE + 20 * M), appointment("b", "wonen", NINE + 30 * M))
    day.walk_in("onthaal")
    day.report("a")
    found = seen(day)
    assert found.waiting == (Waiting("onthaal", NINE),)
    assert found.coming == (Coming("burger", NINE + 20 * M, 1.0), Coming("wonen", NINE + 30 * M, 0.8))


def test_appointments_of_the_next_hour_and_those_within_their_grace_may_come() -> None:
    # Grace is five minutes for civil affairs and ten for housing.
    day = hall(
        appointment("gone", "burger", NINE - 6 * M),
        appointment("late", "wonen", NINE - 6 * M),
        appointment("soon", "burger", NINE + 60 * M),
        appointment("far", "burger", NINE + 61 * M),
        appointment("not", "burger", NINE + 5 * M),
    )
    day.do(co.Cancel(known=day.day.appointments["not"], by="citizen"))
    assert [(one.service, one.at) for one in seen(day).coming] == [
        ("wonen", NINE - 6 * M),
        ("burger", NINE + 60 * M),
    ]


def test_counters_on_duty_with_whom_they_called_and_since_when_they_stand_idle() -> None:
    day = hall()
    ticket = day.walk_in("onthaal")
    day.at(NINE + M).call("1", ticket)
    day.at(NINE + 2 * M).do(co.Start(counter="1"))
    day.do(co.PauseCounter(counter="3"))
    one, two = seen(day).counters
    # Who was called ahead counts from the call.
    assert one == Counter("1", "onthaal", NINE + M, frozenset({"onthaal", "snel"}))
    assert (two.id, two.serving, two.since) == ("2", None, NINE)
    day.at(NINE + 5 * M).do(co.Finish(counter="1"))
    assert seen(day.at(NINE + 6 * M)).counters[0].since == NINE + 5 * M


def test_a_counter_helps_while_nobody_waits_for_its_own_work() -> None:
    day = hall()
    assert seen(day).counters[1].services == {"burger", "snel"}
    day.walk_in("burger")
    assert seen(day).counters[1].services == {"burger"}


def test_after_a_return_the_wait_is_a_new_one() -> None:
    day = hall()
    ticket = day.walk_in("onthaal")
    day.call("1", ticket)
    day.at(NINE + 4 * M).do(co.Park(counter="1"))
    day.at(NINE + 9 * M + 5 * S).do(co.Return(visit="v1"))
    assert seen(day).waiting == (Waiting("onthaal", NINE + 9 * M + 5 * S),)
