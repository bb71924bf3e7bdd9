"""Punctuality, against a day worked out by hand."""

from __future__ import annotations

import pytest
from domain.days import MINUTE, S, utc

from server.domain.appointment import Booking
from server.domain.day import Status
from server.domain.punctuality import (
    Arrival,
    Facts,
    Outcome,
    Policy,
    arrival,
    by_service,
    call_minus_slot_s,
    city_lateness_s,
    lateness_s,
    outcome,
    tabulate,
    wait_s,
)

POLICY = Policy()
NINE = utc("2026-11-26 08:00")
DAY = 86_400 * S


@pytest.mark.parametrize(
    ("reported_s", "expected"),
    [
        (-900.000001, Arrival.EARLY),
        (-900, Arrival.ON_TIME),
        (0, Arrival.ON_TIME),
        (0.000001, Arrival.GRACE),
        (300, Arrival.GRACE),
        (300.000001, Arrival.LATE),
        (None, Arrival.NEVER),
    ],
)
def test_where_the_lines_between_arrivals_are(reported_s, expected):
    reported = None if reported_s is None else NINE + round(reported_s * S)
    assert arrival(NINE, reported, POLICY) is expected


@pytest.mark.parametrize(
    ("reported_min", "expected"),
    [
        (-16, Arrival.EARLY),  # before the slot, whatever was named
        (-15, Arrival.ON_TIME),
        (20, Arrival.ON_TIME),
        (25, Arrival.GRACE),
        (26, Arrival.LATE),
    ],
)
def test_who_was_told_a_later_time_is_late_only_from_then_on(reported_min, expected):
    told = NINE + 20 * MINUTE
    assert arrival(NINE, NINE + reported_min * MINUTE, POLICY, told) is expected
    row = Facts(
        service="burger",
        slot_at=NINE,
        state=Booking.REPORTED,
        told_at=told,
        reported_at=NINE + reported_min * MINUTE,
        first_called_at=NINE + 30 * MINUTE,
        outcome_status=Status.SERVED,
    )
    table = tabulate([row], POLICY)
    assert table.counts == {(expected, Outcome.SERVED): 1}
    # The city is late from the slot on, whatever it named.
    assert table.city_lateness_s == (60.0 * (30 - max(0, reported_min)),)


def test_another_policy_draws_other_lines_over_the_same_seconds():
    strict = Policy(version="strict", early_s=60, grace_s=0)
    assert lateness_s(NINE, NINE + 2 * MINUTE) == 120
    assert arrival(NINE, NINE + 2 * MINUTE, strict) is Arrival.LATE
    assert arrival(NINE, NINE - 2 * MINUTE, strict) is Arrival.EARLY
    assert tabulate([], strict).policy == "strict"


@pytest.mark.parametrize(
    ("reported", "called", "wait", "city", "raw"),
    [
        (-10, 5, 300, 300, 300),  # waits from the slot
        (4, 5, 60, 60, 300),  # late: waits from the report
        (-10, -3, 0, -180, -180),  # called before the slot
        (4, 4, 0, 0, 240),
    ],
)
def test_waits_begin_at_the_later_of_slot_and_report(reported, called, wait, city, raw):
    at, call = NINE + reported * MINUTE, NINE + called * MINUTE
    assert wait_s(NINE, at, call) == wait
    assert city_lateness_s(NINE, at, call) == city
    assert call_minus_slot_s(NINE, call) == raw


def slot(state=Booking.BOOKED, **more):
    return Facts(service=more.pop("service", "burger"), slot_at=NINE, state=state, **more)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (slot(Booking.REPORTED, reported_at=NINE, outcome_status=Status.SERVED), Outcome.SERVED),
        (slot(Booking.REPORTED, reported_at=NINE, outcome_status=Status.LEFT), Outcome.LEFT),
        (slot(Booking.REPORTED, reported_at=NINE, outcome_status=Status.NOT_PRESENT), Outcome.LEFT),
        (slot(Booking.REPORTED, reported_at=NINE, outcome_status=Status.NOT_SERVED), Outcome.NOT_SERVED),
        (slot(Booking.REPORTED, reported_at=NINE, outcome_status=Status.PARKED), Outcome.PENDING),
        (slot(Booking.REPORTED, reported_at=NINE, outcome_status=Status.SERVING), Outcome.PENDING),
        (slot(Booking.BOOKED), Outcome.PENDING),
        (slot(Booking.CONFIRMED), Outcome.PENDING),
        (slot(Booking.NEVER), Outcome.MISSED),
        (slot(Booking.NEVER, came=True), Outcome.CAME),
        (slot(Booking.BOOKED, came=True), Outcome.CAME),
        (
            slot(Booking.CANCELLED, cancelled_by="citizen", cancelled_at=NINE - DAY),
            Outcome.CANCELLED_IN_TIME,
        ),
        (
            slot(Booking.CANCELLED, cancelled_by="citizen", cancelled_at=NINE - DAY + 1),
            Outcome.CANCELLED_TOO_LATE,
        ),
        (slot(Booking.CANCELLED, cancelled_by="city", cancelled_at=NINE), Outcome.CANCELLED_BY_CITY),
        (slot(Booking.BOOKED, rebooked=True), Outcome.REBOOKED),
    ],
)
def test_what_became_of_it(facts, expected):
    assert outcome(facts, POLICY) is expected


def reported(minutes, status, called=None, service="burger"):
    return slot(
        Booking.REPORTED,
        service=service,
        reported_at=NINE + minutes * MINUTE,
        first_called_at=None if called is None else NINE + called * MINUTE,
        outcome_status=status,
    )


A_DAY = [
    reported(-20, Status.SERVED, called=2),
    reported(-12, Status.SERVED, called=-1),
    reported(-5, Status.SERVED, called=1),
    reported(0, Status.LEFT),
    reported(3, Status.SERVED, called=4),
    reported(3, Status.NOT_PRESENT, called=5),
    reported(10, Status.SERVED, called=25, service="wonen"),
    reported(12, Status.NOT_SERVED, service="wonen"),
    reported(-30, Status.WAITING),
    slot(Booking.NEVER),
    slot(Booking.NEVER, came=True),
    slot(Booking.CANCELLED, cancelled_by="citizen", cancelled_at=NINE - 2 * DAY),
    slot(Booking.CANCELLED, cancelled_by="citizen", cancelled_at=NINE - MINUTE),
    slot(Booking.CANCELLED, cancelled_by="city", cancelled_at=NINE - 2 * DAY),
    slot(Booking.BOOKED, rebooked=True),
    slot(Booking.BOOKED, service="wonen"),
]


def test_a_day_by_hand():
    table = tabulate(A_DAY, POLICY)
    assert table.counts == {
        (Arrival.EARLY, Outcome.SERVED): 1,
        (Arrival.ON_TIME, Outcome.SERVED): 2,
        (Arrival.ON_TIME, Outcome.LEFT): 1,
        (Arrival.GRACE, Outcome.SERVED): 1,
        (Arrival.GRACE, Outcome.LEFT): 1,
        (Arrival.LATE, Outcome.SERVED): 1,
        (Arrival.LATE, Outcome.NOT_SERVED): 1,
        (Arrival.NEVER, Outcome.MISSED): 1,
        (Arrival.NEVER, Outcome.CAME): 1,
        (Arrival.NEVER, Outcome.CANCELLED_IN_TIME): 1,
        (Arrival.NEVER, Outcome.CANCELLED_TOO_LATE): 1,
        (Arrival.NEVER, Outcome.CANCELLED_BY_CITY): 1,
        (Arrival.NEVER, Outcome.REBOOKED): 1,
    }
    assert (table.not_present, table.pending) == (1, 2)
    # Eight reported and two never did: cancelled and given-up slots stood for nobody.
    assert (table.stood, table.late, table.never_reported) == (10, 2, 2)
    assert table.percent_late_or_missed == 40
    assert table.percent_missed == 20
    assert table.waits_s == (0, 60, 60, 120, 120, 900)
    assert table.city_lateness_s == (-60, 60, 60, 120, 120, 900)
    assert table.call_minus_slot_s == (-60, 60, 120, 240, 300, 1500)


def test_by_service_the_counts_add_up():
    tables = by_service(A_DAY, POLICY)
    assert list(tables) == ["burger", "wonen"]
    assert sum(table.stood for table in tables.values()) == 10
    assert tables["wonen"].counts == {
        (Arrival.LATE, Outcome.SERVED): 1,
        (Arrival.LATE, Outcome.NOT_SERVED): 1,
    }
    assert tables["wonen"].percent_late_or_missed == 100


def test_no_slots_no_percentage():
    table = tabulate([slot(Booking.BOOKED, rebooked=True)], POLICY)
    assert (table.stood, table.percent_late_or_missed, table.percent_missed) == (0, None, None)
