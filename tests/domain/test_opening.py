"""Opening hours, local days and both days on which the clocks change, in Europe/Brussels."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
from domain.days import MINUTE, THURSDAY, THURSDAY_HALL, WEEK, Played, appointment, house_of, utc

from server.domain import commands as co
from server.domain import events as ev
from server.domain.hall import due
from server.domain.schedule import is_open, iso, takes_tickets

HOUR = 60 * MINUTE
HOUSE = house_of(THURSDAY_HALL)
NIGHTS = (*WEEK[:6], ((time(0), time(5)), (time(8), time(13))))
"""Mechelen's week, and a Sunday that is open all through the change of the clocks and after it."""
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def spans(openings):
    return [(iso(start), iso(end)) for start, end in openings]


def thursday(at="08:00", *slots):
    booked = tuple(appointment(ref, service, utc(f"2026-11-26 {slot}")) for ref, service, slot in slots)
    played = Played(HOUSE, utc(f"2026-11-26 {at}"), booked)
    played.do(co.OpenCounter(counter="2"))
    return played


# --- Thursday -------------------------------------------------------------------------------------


def test_thursday_opens_twice():
    assert spans(HOUSE.calendar.openings(THURSDAY)) == [
        ("2026-11-26T07:00:00.000Z", "2026-11-26T12:00:00.000Z"),
        ("2026-11-26T13:30:00.000Z", "2026-11-26T18:00:00.000Z"),
    ]
    assert HOUSE.calendar.day_end(THURSDAY) == utc("2026-11-26 19:00")


@pytest.mark.parametrize(
    ("at", "takes", "doors"),
    [
        ("06:49:59", False, False),
        ("06:50:00", True, False),  # ten minutes before the doors
        ("07:00:00", True, True),
        ("11:44:59", True, True),
        ("11:45:00", False, True),  # a quarter before closing, whoever waits
        ("12:00:00", False, False),
        ("13:19:59", False, False),
        ("13:20:00", True, False),
        ("17:44:59", True, True),
        ("17:45:00", False, True),
        ("18:00:00", False, False),
    ],
)
def test_tickets_are_drawn_from_before_opening_until_before_closing(at, takes, doors):
    now, openings = utc(f"2026-11-26 {at}"), HOUSE.calendar.openings(THURSDAY)
    calendar = HOUSE.calendar
    assert is_open(openings, now) is doors
    assert (
        takes_tickets(openings, now, start_s=calendar.tickets_start_s, stop_s=calendar.tickets_stop_s)
        is takes
    )
    hall = thursday(at)
    if takes:
        assert hall.walk_in("burger") == "B001"
    else:
        assert hall.refusal(co.WalkIn(visit="v", service="burger")) == "house-closed"


def test_the_midday_gap_closes_nobody():
    hall = thursday("11:40", ("a", "burger", "13:30"))
    first, second, third = (hall.walk_in("burger") for _ in range(3))
    hall.next("2")
    for at in ("12:00", "13:00", "13:29"):
        hall.at(utc(f"2026-11-26 {at}"))
        assert not due(hall.house, hall.day, hall.now)
        assert hall.do(co.EndDay()) == ()
    hall.finish("2")
    assert hall.next("2") == (second, "walk-in")
    early = hall.report("a")
    assert hall.at(utc("2026-11-26 13:30")).day.counter("2").mode == "open"
    hall.finish("2")
    assert hall.order("2") == [(third, "overdue"), (early, "appointment")]
    assert hall.status(first) == "served"


# --- the end of the day ---------------------------------------------------------------------------


def test_the_day_ends_by_itself_an_hour_after_its_last_closing_hour():
    hall = thursday()
    end = utc("2026-11-26 19:00")
    assert not due(hall.house, hall.day, end - 1)
    assert hall.at(end - 1).do(co.EndDay()) == ()
    assert due(hall.house, hall.day, end)
    assert [type(event) for event in hall.at(end).do(co.EndDay())] == [ev.DayEnded]
    assert hall.do(co.EndDay()) == ()
    assert not due(hall.house, hall.day, end)


def test_not_served_by_closing_is_not_left():
    hall = thursday("08:00", ("never", "burger", "09:00"), ("off", "burger", "09:00"))
    waits, called, served, sits, parked, left, vain = (hall.walk_in("burger") for _ in range(7))
    hall.do(co.Leave(visit=left))
    hall.do(co.Cancel(known=hall.day.appointments["off"], by="citizen"))
    for ticket, then in ((served, co.Finish), (parked, co.Park), (vain, None)):
        hall.call("2", ticket)
        if then is not None:
            hall.do(then(counter="2"))
    hall.do(co.Recall(counter="2"))
    hall.do(co.NoShow(counter="2"))
    hall.call("2", called)
    hall.do(co.OpenCounter(counter="3"))
    hall.call("3", sits)
    hall.do(co.Start(counter="3"))
    hall.at(utc("2026-11-26 19:00")).do(co.EndDay())
    assert {ticket: hall.status(ticket) for ticket in hall.day.tickets} == {
        waits: "not-served",
        called: "not-served",
        parked: "not-served",
        served: "served",
        sits: "served",
        left: "left",
        vain: "not-present",
    }
    assert hall.day.appointments["never"].state == "never"
    assert hall.day.appointments["off"].state == "cancelled"
    assert all(counter.mode == "closed" and counter.visit is None for counter in hall.day.counters.values())
    assert hall.day.calls == ()


@pytest.mark.parametrize(
    "command",
    [
        co.WalkIn(visit="w", service="burger"),
        co.OpenCounter(counter="2"),
        co.CallNext(counter="2"),
        co.Undo(counter="2"),
        co.Return(visit="B001"),
        co.Leave(visit="B001"),
    ],
)
def test_nothing_happens_in_a_day_that_is_over(command):
    hall = thursday()
    hall.walk_in("burger")
    hall.at(utc("2026-11-26 19:00")).do(co.EndDay())
    assert hall.refusal(command) == "day-over"


def test_a_day_that_nobody_ended_ends_when_the_next_one_opens():
    hall = thursday()
    hall.walk_in("burger")
    hall.at(utc("2026-11-27 07:30"))
    assert due(hall.house, hall.day, hall.now)
    assert hall.refusal(co.CallNext(counter="2")) == "day-over"
    assert [type(event) for event in hall.do(co.OpenDay())] == [ev.DayEnded, ev.DayOpened]
    assert hall.day.date == "2026-11-27"
    assert hall.day.visits == {}
    assert hall.do(co.OpenDay()) == ()


def test_a_closing_day_opens_and_takes_no_tickets():
    house = replace(HOUSE, calendar=replace(HOUSE.calendar, is_holiday=lambda day: day == THURSDAY))
    hall = Played(house, utc("2026-11-26 09:00"))
    assert hall.day.openings == ()
    assert hall.day.ends_at == utc("2026-11-26 23:00")
    assert hall.refusal(co.WalkIn(visit="v", service="burger")) == "house-closed"
    assert house.calendar.next_opening(hall.now) == utc("2026-11-27 07:00")


# --- the clocks change ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "begins", "until", "hours", "openings", "ends"),
    [
        (
            SPRING,
            "2026-03-28 23:00",
            "2026-03-29 22:00",
            23,
            [("2026-03-28 23:00", "2026-03-29 03:00"), ("2026-03-29 06:00", "2026-03-29 11:00")],
            "2026-03-29 12:00",
        ),
        (
            AUTUMN,
            "2026-10-24 22:00",
            "2026-10-25 23:00",
            25,
            [("2026-10-24 22:00", "2026-10-25 04:00"), ("2026-10-25 07:00", "2026-10-25 12:00")],
            "2026-10-25 13:00",
        ),
    ],
)
def test_the_days_of_the_clock_change(day, begins, until, hours, openings, ends):
    calendar = house_of(THURSDAY_HALL, NIGHTS).calendar
    assert calendar.midnight_before(day) == utc(begins)
    assert calendar.midnight_after(day) == utc(until)
    assert utc(until) - utc(begins) == hours * HOUR
    assert calendar.openings(day) == tuple((utc(start), utc(end)) for start, end in openings)
    assert calendar.day_end(day) == utc(ends)


@pytest.mark.parametrize(
    ("day", "begins", "until"),
    [(SPRING, "2026-03-28 23:00", "2026-03-29 22:00"), (AUTUMN, "2026-10-24 22:00", "2026-10-25 23:00")],
)
def test_every_instant_of_a_changed_day_is_that_day(day, begins, until):
    calendar = HOUSE.calendar
    for instant in range(utc(begins), utc(until), 15 * MINUTE):
        assert calendar.local_date(instant) == day
    assert calendar.local_date(utc(begins) - 1) < day < calendar.local_date(utc(until))


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-03-28 23:00", "2026-03-29 02:45"), ("2026-10-24 22:00", "2026-10-25 03:45")],
)
def test_nobody_is_lost_while_the_clocks_change(first, last):
    """One ticket each quarter of an hour through the night, in the order in which they came."""
    start, end = utc(first), utc(last)
    slots = tuple(appointment(f"a{at}", "wonen", at) for at in range(start, end, 30 * MINUTE))
    hall = Played(house_of(THURSDAY_HALL, NIGHTS), start, slots)
    hall.do(co.OpenCounter(counter="2"))
    hall.do(co.OpenCounter(counter="3"))
    walked_in, booked = [], []
    for at in range(start, end, 15 * MINUTE):
        walked_in.append(hall.at(at).walk_in("burger"))
        if f"a{at}" in hall.day.appointments:
            booked.append(hall.report(f"a{at}"))
    assert len({*walked_in, *booked}) == len(walked_in) + len(booked) == len(hall.day.visits)
    called = []
    while (chosen := hall.next("2")) is not None:
        called.append(chosen[0])
        hall.finish("2")
    assert called == walked_in
    while (chosen := hall.next("3")) is not None:
        called.append(chosen[0])
        hall.finish("3")
    assert called == walked_in + booked
    assert hall.retold() == hall.day


def test_waits_are_elapsed_seconds_when_the_hour_is_lived_twice():
    """From 02:50 summer time to 02:20 winter time: half an hour, though the wall clock went back."""
    hall = Played(
        house_of(THURSDAY_HALL, NIGHTS),
        utc("2026-10-25 00:50"),
        (appointment("due", "burger", utc("2026-10-25 01:20")),),
    )
    hall.do(co.OpenCounter(counter="2"))
    walk_in = hall.walk_in("burger")
    due_ticket = hall.report("due")
    assert hall.order("2") == [(walk_in, "walk-in"), (due_ticket, "early")]
    hall.at(utc("2026-10-25 01:20"))
    assert hall.order("2") == [(walk_in, "overdue"), (due_ticket, "appointment")]


def test_a_wall_time_that_does_not_exist_is_read_by_the_old_clock():
    calendar = HOUSE.calendar
    assert calendar.at(SPRING, time(2, 30)) == utc("2026-03-29 01:30")
    assert calendar.at(AUTUMN, time(2, 30)) == utc("2026-10-25 00:30")
