"""Appointments: booking, moving, cancelling, and what may be said of them when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from domain.days import MINUTE, THURSDAY_HALL, Played, S, appointment, house_of, utc

from server.domain import commands as co
from server.domain.appointment import BookedBy, Booking
from server.domain.fold import amend

NINE = utc("2026-11-26 08:00")
TOMORROW = utc("2026-11-27 08:00")


def opened(*slots):
    booked = tuple(appointment(ref, service, NINE + minutes * MINUTE) for ref, service, minutes in slots)
    return Played(house_of(THURSDAY_HALL), NINE, booked)


def book(hall, ref, at, service="burger", **more):
    known = hall.day.appointments.get(ref)
    return hall.do(co.Book(appointment=ref, service=service, at=at, known=known, **more))


def test_repeating_a_booking_changes_nothing():
    hall = opened()
    assert book(hall, "a", NINE + MINUTE)
    assert book(hall, "a", NINE + MINUTE) == ()


def test_a_moved_appointment_starts_afresh_and_remembers_the_slot_it_gave_up():
    hall = opened(("a", "burger", 30))
    hall.do(co.Confirm(known=hall.day.appointments["a"]))
    hall.do(co.AnnounceLate(known=hall.day.appointments["a"], late_s=600))
    hall.at(NINE + MINUTE)
    book(hall, "a", NINE + 60 * MINUTE)
    moved = hall.day.appointments["a"]
    assert (moved.state, moved.late_s) == (Booking.BOOKED, None)
    assert (moved.was_at, moved.rebooked_at) == (NINE + 30 * MINUTE, NINE + MINUTE)


def test_new_details_of_the_same_slot_keep_what_was_said():
    hall = opened(("a", "burger", 30))
    hall.do(co.Confirm(known=hall.day.appointments["a"]))
    hall.do(co.AnnounceLate(known=hall.day.appointments["a"], late_s=600))
    book(hall, "a", NINE + 30 * MINUTE, persons=3)
    kept = hall.day.appointments["a"]
    assert (kept.state, kept.late_s, kept.persons, kept.was_at) == (Booking.CONFIRMED, 600, 3, None)


def test_how_it_was_booked_stays_until_somebody_says_otherwise():
    hall = opened()
    (booked,) = book(hall, "a", NINE + MINUTE, channel=BookedBy.DESK)
    assert booked.appointment.channel is BookedBy.DESK
    assert book(hall, "a", NINE + MINUTE) == ()
    (moved,) = book(hall, "a", NINE + 2 * MINUTE)
    assert moved.appointment.channel is BookedBy.DESK
    (corrected,) = book(hall, "a", NINE + 2 * MINUTE, channel=BookedBy.PHONE)
    assert corrected.appointment.channel is BookedBy.PHONE
    assert corrected.appointment.was_at == NINE + MINUTE
    hall.do(co.Cancel(known=hall.day.appointments["a"], by="citizen"))
    (again,) = book(hall, "a", NINE + 2 * MINUTE)
    assert again.appointment.channel is BookedBy.PHONE


def test_an_appointment_that_moves_to_another_day_is_not_of_this_one():
    hall = opened(("a", "burger", 30))
    known = hall.day.appointments["a"]
    (rebooked,) = book(hall, "a", TOMORROW)
    assert hall.day.appointments == {}
    assert hall.refusal(co.Report(known=rebooked.appointment, visit="v")) == "appointment-not-today"
    hall.do(co.Book(appointment="a", service="burger", at=known.at, known=rebooked.appointment))
    assert hall.report("a") == "B001"


def test_a_cancelled_appointment_may_be_booked_again():
    hall = opened(("a", "burger", 30))
    hall.do(co.Cancel(known=hall.day.appointments["a"], by="citizen"))
    assert hall.do(co.Cancel(known=hall.day.appointments["a"], by="citizen")) == ()
    assert hall.refusal(co.Report(known=hall.day.appointments["a"], visit="v")) == "appointment-cancelled"
    book(hall, "a", NINE + 30 * MINUTE)
    assert hall.report("a") == "B001"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NINE - 24 * 60 * MINUTE, "slot-past"),
        (NINE + 800 * 86_400 * S, "slot-too-far"),
        (NINE - 30 * MINUTE, None),  # a slot of this morning: the booking system may be late in telling
        (TOMORROW, None),
    ],
)
def test_slots_that_may_be_booked(at, code):
    hall = opened()
    command = co.Book(appointment="a", service="burger", at=at, known=None)
    if code is None:
        assert hall.do(command)
    else:
        assert hall.refusal(command) == code


def test_a_service_may_take_no_appointments_and_another_no_walk_ins():
    hall = opened()
    refused = co.Book(appointment="a", service="onthaal", at=TOMORROW, known=None)
    assert hall.refusal(refused) == "service-takes-no-appointments"
    assert hall.refusal(co.WalkIn(visit="v", service="wonen")) == "service-takes-no-walk-ins"
    unknown = co.Book(appointment="a", service="nothing", at=TOMORROW, known=None)
    assert hall.refusal(unknown) == "unknown-service"


def test_after_the_report_the_appointment_is_the_visits():
    hall = opened(("a", "burger", 30))
    read_before = hall.day.appointments["a"]
    assert hall.report("a") == "B001"
    assert hall.report("a") == "B001"
    for command in (
        co.Cancel(known=read_before, by="citizen"),
        co.Confirm(known=read_before),
        co.AnnounceLate(known=read_before, late_s=60),
        co.Book(appointment="a", service="burger", at=TOMORROW, known=read_before),
    ):
        assert hall.refusal(command) == "appointment-reported"
    assert hall.do(co.NoteCame(known=read_before)) == ()


def test_who_never_reported_may_still_be_noted_as_come_after_the_day():
    hall = opened(("a", "burger", 30), ("b", "burger", 30))
    hall.at(utc("2026-11-26 19:00")).do(co.EndDay())
    never = hall.day.appointments["a"]
    assert never.state is Booking.NEVER
    assert hall.refusal(co.Cancel(known=never, by="citizen")) == "appointment-over"
    assert hall.do(co.NoteCame(known=never))
    assert hall.day.appointments["a"].came
    assert hall.do(co.NoteCame(known=hall.day.appointments["a"])) == ()
    assert not hall.day.appointments["b"].came


def test_an_appointment_of_another_day_is_amended_though_the_day_does_not_list_it():
    hall = opened()
    known = appointment("t", "burger", TOMORROW)
    (event,) = hall.do(co.AnnounceLate(known=known, late_s=300))
    assert hall.day.appointments == {}
    assert amend(known, event, hall.now) == replace(known, late_s=300)


def test_a_later_time_is_named_once_and_stands():
    hall = opened(("a", "burger", 30))
    known = hall.day.appointments["a"]
    assert hall.do(co.Delay(known=known, to=NINE + 30 * MINUTE)) == ()
    assert hall.do(co.Delay(known=known, to=NINE + 50 * MINUTE))
    assert hall.do(co.Delay(known=known, to=NINE + 45 * MINUTE)) == ()
    assert hall.do(co.Delay(known=known, to=NINE + 70 * MINUTE)) == ()
    named = hall.day.appointments["a"]
    assert (named.at, named.told_at, named.due_at) == (
        NINE + 30 * MINUTE,
        NINE + 50 * MINUTE,
        NINE + 50 * MINUTE,
    )
    hall.report("a")
    assert hall.day.visits["v1"].told_at == NINE + 50 * MINUTE


def test_a_named_time_goes_with_its_slot():
    hall = opened(("a", "burger", 30))
    hall.do(co.Delay(known=hall.day.appointments["a"], to=NINE + 50 * MINUTE))
    book(hall, "a", NINE + 30 * MINUTE, persons=3)
    assert hall.day.appointments["a"].told_at == NINE + 50 * MINUTE
    book(hall, "a", NINE + 40 * MINUTE)
    assert hall.day.appointments["a"].told_at is None


def test_nobody_is_told_a_later_time_who_is_not_awaited():
    hall = opened(("here", "burger", 30), ("gone", "burger", 30), ("moved", "burger", 30))
    hall.report("here")
    hall.do(co.Cancel(known=hall.day.appointments["gone"], by="citizen"))
    moved = hall.day.appointments["moved"]
    book(hall, "moved", TOMORROW)
    to = NINE + 50 * MINUTE
    assert hall.refusal(co.Delay(known=hall.day.appointments["here"], to=to)) == "appointment-reported"
    assert hall.refusal(co.Delay(known=hall.day.appointments["gone"], to=to)) == "appointment-cancelled"
    assert hall.refusal(co.Delay(known=moved, to=to)) == "appointment-not-today"


def test_a_lateness_that_keeps_the_place_is_promised_and_no_other():
    hall = opened(("a", "burger", 30))

    def late(seconds):
        return co.AnnounceLate(known=hall.day.appointments["a"], late_s=seconds, keeps=True)

    limit_s = hall.house.services["burger"].late_limit_s
    assert hall.refusal(late(limit_s + 1)) == "late-too-long"
    assert hall.do(late(limit_s))
    assert hall.do(late(limit_s)) == ()
    hall.at(NINE + 35 * MINUTE)
    assert hall.refusal(late(300)) == "late-too-late"
    assert hall.do(late(301))
    # Staff note what they are told.
    assert hall.do(co.AnnounceLate(known=hall.day.appointments["a"], late_s=limit_s + 1))


def test_lateness_is_announced_in_the_last_hours():
    hall = opened(("a", "burger", 241))
    late = co.AnnounceLate(known=hall.day.appointments["a"], late_s=300, keeps=True)
    assert hall.refusal(late) == "late-too-early"
    hall.at(NINE + MINUTE)
    assert hall.do(late)


def test_a_wish_to_be_called_back_stands_until_it_is_done_or_the_slot_moves():
    hall = opened(("a", "burger", 30))

    def known():
        return hall.day.appointments["a"]

    for ask in (True, False):
        assert bool(hall.do(co.AskCallBack(known=known()))) is ask
    assert known().call_back_at == NINE
    book(hall, "a", NINE + 30 * MINUTE, persons=2)
    assert known().call_back_at == NINE
    for done in (True, False):
        assert bool(hall.do(co.NoteCalledBack(known=known()))) is done
    assert known().call_back_at is None
    hall.do(co.AskCallBack(known=known()))
    book(hall, "a", NINE + 40 * MINUTE)
    assert known().call_back_at is None
    hall.do(co.Cancel(known=known(), by="citizen"))
    assert hall.refusal(co.AskCallBack(known=known())) == "appointment-cancelled"
