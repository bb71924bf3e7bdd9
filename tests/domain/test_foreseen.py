"""What a learned forecast said, laid over the plain one: who is told what, worked out by hand."""

from __future__ import annotations

from domain.days import MINUTE, THURSDAY_HALL, Played, S, appointment, house_of, utc

from server.domain import commands as co
from server.domain import forecast
from server.domain.calling import standings
from server.domain.foreseen import PLAIN, Foreseen, Promise, Wait, expected, promise, sooner

NINE = utc("2026-11-26 08:00")
M = MINUTE


def hall(*booked) -> Played:
    day = Played(house_of(THURSDAY_HALL), NINE, booked)
    day.do(co.OpenCounter(counter="1", staff="an"))
    day.do(co.OpenCounter(counter="2"))
    return day


def told(day: Played, foreseen: Foreseen | None, later: int = 0) -> forecast.Expected:
    now = day.now + later
    return expected(day.house, day.day, standings(day.house, day.day, now), now, foreseen)


def said(visits=None, walk_ins=None, booked=None) -> Foreseen:
    return Foreseen("model", visits or {}, walk_ins or {}, booked or {})


def test_without_a_learned_forecast_the_plain_one_is_told() -> None:
    day = hall()
    day.walk_in("onthaal")
    plain = forecast.expected(day.house, day.day, standings(day.house, day.day, NINE), NINE)
    assert told(day, None) == plain


def test_a_wait_is_told_in_whole_minutes_and_runs_down_with_the_clock() -> None:
    day = hall()
    day.walk_in("onthaal")
    known = said({("v1", NINE): Wait(NINE + 4 * M + 59 * S, NINE + 9 * M + S)})
    assert told(day, known).visits["v1"] == (240, 600)
    assert told(day, known, later=2 * S).visits["v1"] == (240, 540)
    assert told(day, known, later=6 * M).visits["v1"] == (0, 240)
    # Past its end it is the minute that is under way: nobody is told that they should be gone.
    assert told(day, known, later=60 * M).visits["v1"] == (0, 60)


def test_who_came_later_has_what_was_foreseen_for_a_newcomer_of_that_service() -> None:
    day = hall()
    known = said(
        walk_ins={"onthaal": Wait(3 * M, 7 * M), "burger": Wait(20 * M, 40 * M)},
        booked={"onthaal": Wait(M, 2 * M), "burger": Wait(5 * M, 11 * M)},
    )
    day.walk_in("onthaal")
    assert told(day, known).visits["v1"] == (180, 420)
    # A minute later, and no newer forecast: one minute less.
    assert told(day, known, later=M).visits["v1"] == (120, 360)
    assert told(day, known).services["burger"] == (1200, 2400)


def test_a_due_appointment_stands_before_who_has_none() -> None:
    day = hall(appointment("a", "burger", NINE))
    day.report("a")
    known = said(walk_ins={"burger": Wait(20 * M, 40 * M)}, booked={"burger": Wait(5 * M, 11 * M)})
    assert told(day, known).visits["v1"] == (300, 660)


def test_who_is_early_is_called_when_nobody_else_is_there_or_from_the_slot_on() -> None:
    day = hall(appointment("a", "burger", NINE + 10 * M))
    day.report("a")
    known = said(walk_ins={"burger": Wait(20 * M, 40 * M)}, booked={"burger": Wait(5 * M, 11 * M)})
    assert told(day, known).visits["v1"] == (15 * 60, 21 * 60)
    known = said(walk_ins={"burger": Wait(2 * M, 30 * M)}, booked={"burger": Wait(5 * M, 11 * M)})
    assert told(day, known).visits["v1"] == (2 * 60, 21 * 60)
    assert sooner(Wait(1, 9), Wait(2, 3)) == (1, 3)


def test_a_new_wait_of_the_same_person_is_another_wait() -> None:
    day = hall()
    ticket = day.walk_in("onthaal")
    known = said(
        {("v1", NINE): Wait(NINE, NINE + M)}, {"onthaal": Wait(8 * M, 9 * M)}, {"onthaal": Wait(4 * M, 6 * M)}
    )
    day.call("1", ticket)
    day.at(NINE + 5 * M).do(co.Park(counter="1"))
    day.at(NINE + 7 * M).do(co.Return(visit="v1"))
    # Who comes back stands before new people, as who has an appointment does.
    assert told(day, known).visits["v1"] == (240, 360)


def test_who_waits_for_one_counter_or_person_is_told_the_plain_forecast() -> None:
    day = hall()
    day.walk_in("onthaal")
    plain = told(day, None).visits["v1"]
    known = said({("v1", NINE): Wait(NINE + 50 * M, NINE + 60 * M)})
    assert told(day, known).visits["v1"] == (3000, 3600)
    day.do(co.Bind(visit="v1", staff="an"))
    assert told(day, known).visits["v1"] == plain


def test_for_whom_no_counter_is_open_nothing_is_told() -> None:
    day = hall()
    day.do(co.CloseCounter(counter="1"))
    day.walk_in("onthaal")
    known = said({("v1", NINE): Wait(NINE, NINE + M)}, {"onthaal": Wait(M, M)}, {"onthaal": Wait(M, M)})
    assert told(day, known).visits == {}
    assert "onthaal" not in told(day, known).services


def test_the_order_of_calls_stays_the_plain_forecasts() -> None:
    day = hall()
    day.walk_in("onthaal")
    known = said({("v1", NINE): Wait(NINE + 50 * M, NINE + 60 * M)})
    assert told(day, known).starts == told(day, None).starts


def test_a_promise_has_the_range_as_it_was_shown_and_the_quantiles_behind_it() -> None:
    day = hall()
    day.walk_in("onthaal")
    (place,) = standings(day.house, day.day, NINE)
    known = said({("v1", NINE): Wait(NINE + 100 * S, NINE + 301 * S)})
    shown = told(day, known).visits["v1"]
    assert promise(place, shown, NINE, known) == Promise(NINE, 60, 360, 100, 301, "model")
    plain = told(day, None).visits["v1"]
    assert promise(place, plain, NINE, None) == Promise(NINE, *plain, *plain, PLAIN)
