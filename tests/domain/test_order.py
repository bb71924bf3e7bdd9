"""Who is next, rule by rule: small halls, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from domain.days import MINUTE, THURSDAY_HALL, Played, S, appointment, house_of, utc

from server.domain import commands as co

NINE = utc("2026-11-26 08:00")
"""09:00 in Mechelen."""


def opened(*slots, hall=THURSDAY_HALL, counters=("2", "3"), at=NINE):
    """A day with these appointments, (ref, service, minutes after nine), and open counters."""
    booked = tuple(appointment(ref, service, NINE + int(minutes * MINUTE)) for ref, service, minutes in slots)
    played = Played(house_of(hall), at, booked)
    for counter in counters:
        played.do(co.OpenCounter(counter=counter))
    return played


def after(minutes):
    return NINE + int(minutes * MINUTE)


def test_again_comes_before_a_priority_mark_before_everybody_else():
    hall = opened(("a", "burger", 0))
    due = hall.report("a")
    back = hall.walk_in("burger")
    hall.call("2", back)
    hall.do(co.Park(counter="2"))
    marked = hall.at(after(5)).walk_in("burger", priority=True)
    hall.at(after(6)).do(co.Return(visit=back))
    assert hall.order("2") == [(back, "again"), (marked, "priority"), (due, "appointment")]


def test_again_is_by_seniority_not_by_who_was_back_first():
    hall = opened()
    first = hall.walk_in("burger")
    second = hall.at(after(1)).walk_in("burger")
    for ticket in (first, second):
        hall.call("2", ticket)
        hall.do(co.Park(counter="2"))
    hall.at(after(10)).do(co.Return(visit=second))
    hall.at(after(11)).do(co.Return(visit=first))
    assert hall.order("2") == [(first, "again"), (second, "again")]


def test_a_priority_mark_is_by_report_and_may_be_taken_off():
    hall = opened()
    plain = hall.walk_in("burger")
    late = hall.at(after(1)).walk_in("burger")
    later = hall.at(after(2)).walk_in("burger")
    for ticket in (later, late):
        hall.do(co.Prioritise(visit=ticket, priority=True))
    assert hall.order("2") == [(late, "priority"), (later, "priority"), (plain, "walk-in")]
    hall.do(co.Prioritise(visit=late, priority=False))
    assert hall.order("2") == [(later, "priority"), (plain, "walk-in"), (late, "walk-in")]


def test_due_appointments_are_by_slot_not_by_report():
    hall = opened(("a", "burger", 10), ("b", "burger", 5))
    later_slot, earlier_slot = hall.report("a"), hall.at(after(1)).report("b")
    hall.at(after(10))
    assert hall.order("2") == [(earlier_slot, "appointment"), (later_slot, "appointment")]


@pytest.mark.parametrize(
    ("reported_s", "announced", "rule"),
    [
        (-60, False, "appointment"),
        (0, False, "appointment"),
        (300, False, "appointment"),
        (300.000001, False, "walk-in"),
        (301, True, "appointment"),
        (1200, True, "appointment"),
        (1200.000001, True, "walk-in"),
    ],
)
def test_the_grace_and_the_limit_of_who_announced_being_late(reported_s, announced, rule):
    hall = opened(("a", "burger", 0), at=NINE - 5 * MINUTE)
    if announced:
        hall.do(co.AnnounceLate(known=hall.day.appointments["a"], late_s=600))
    ticket = hall.at(NINE + round(reported_s * S)).report("a")
    assert hall.at(max(hall.now, NINE)).order("2") == [(ticket, rule)]


@pytest.mark.parametrize(
    ("reported_s", "announced", "rule"),
    [
        (300, False, "appointment"),  # in the grace of the slot itself
        (1200 + 300, False, "appointment"),
        (1200 + 300.000001, False, "walk-in"),
        (1200 + 1200, True, "appointment"),
        (1200 + 1200.000001, True, "walk-in"),
    ],
)
def test_who_was_told_a_later_time_is_late_only_from_then_on(reported_s, announced, rule):
    hall = opened(("a", "burger", 0), at=NINE - 60 * MINUTE)
    hall.do(co.Delay(known=hall.day.appointments["a"], to=NINE + 20 * MINUTE))
    if announced:
        hall.do(co.AnnounceLate(known=hall.day.appointments["a"], late_s=600))
    ticket = hall.at(NINE + round(reported_s * S)).report("a")
    assert hall.order("2") == [(ticket, rule)]


def test_a_named_time_does_not_move_the_slot():
    """Who comes earlier than they were told stands by their slot: the house may have caught up."""
    hall = opened(("told", "burger", 5), ("other", "burger", 6), at=NINE - 60 * MINUTE)
    hall.do(co.Delay(known=hall.day.appointments["told"], to=NINE + 20 * MINUTE))
    other = hall.at(NINE).report("other")
    told = hall.report("told")
    assert hall.at(after(5)).order("2") == [(told, "appointment"), (other, "early")]
    assert hall.at(after(6)).order("2") == [(told, "appointment"), (other, "appointment")]
    assert hall.day.find(told).wait_from == after(5)


def test_each_service_has_its_own_grace():
    hall = opened(("b", "burger", 0), ("w", "wonen", 0))
    burger, wonen = hall.at(after(9)).report("b"), hall.report("w")
    assert hall.order("3") == [(wonen, "appointment"), (burger, "walk-in")]


def test_too_late_for_the_slot_is_a_walk_in_by_report():
    hall = opened(("a", "burger", 0))
    before = hall.at(after(5)).walk_in("burger")
    late = hall.at(after(6)).report("a")
    behind = hall.at(after(7)).walk_in("burger")
    assert hall.order("2") == [(before, "walk-in"), (late, "walk-in"), (behind, "walk-in")]


@pytest.mark.parametrize(("now_s", "rule"), [(-0.000001, "early"), (0, "appointment")])
def test_an_appointment_is_early_until_its_slot(now_s, rule):
    hall = opened(("a", "burger", 0), at=NINE - 20 * MINUTE)
    ticket = hall.report("a")
    assert hall.at(NINE + round(now_s * S)).order("2") == [(ticket, rule)]


def test_early_appointments_come_after_walk_ins_by_slot():
    hall = opened(("a", "burger", 30), ("b", "burger", 20))
    far, near = hall.report("a"), hall.report("b")
    walk_in = hall.at(after(1)).walk_in("burger")
    assert hall.order("2") == [(walk_in, "walk-in"), (near, "early"), (far, "early")]


def test_overflow_only_where_the_counter_would_stand_idle():
    hall = opened(("a", "burger", 30))
    express = hall.walk_in("snel")
    early = hall.at(after(1)).report("a")
    assert hall.order("2") == [(early, "early"), (express, "overflow")]
    assert hall.next("2") == (early, "early")
    assert hall.next("3") == (express, "overflow")


def test_overflow_is_for_express_tickets_that_are_free_to_go():
    hall = opened(counters=("1", "2", "3"))
    hall.walk_in("onthaal")
    assert hall.order("3") == []  # counter 3 lists reception as help, but it is not express
    bound = hall.walk_in("snel")
    hall.do(co.Bind(visit=bound, staff="anna"))
    assert hall.order("2") == []


def test_ties_go_to_the_earlier_report_then_the_lower_number():
    hall = opened(("a", "burger", 10), ("b", "burger", 10))
    second = hall.report("b")
    third = hall.report("a")
    assert (second, third) == ("B001", "B002")
    hall.at(after(10))
    assert hall.order("2") == [("B001", "appointment"), ("B002", "appointment")]


# --- the overdue ----------------------------------------------------------------------------------


def crowd(k, due=6, waiting=3):
    """Due appointments, and walk-ins that have waited past their 20 minutes."""
    hall = opened(
        *((f"a{n}", "burger", 15 + n) for n in range(due)), hall=replace(THURSDAY_HALL, k=k), counters=("2",)
    )
    for _ in range(waiting):
        hall.walk_in("burger")
    for n in range(due):
        hall.at(after(10)).report(f"a{n}")
    return hall.at(after(20) + 1)


@pytest.mark.parametrize(
    ("k", "rules"),
    [
        (1, "OOOaaaaaa"),
        (2, "OaOaOaaaa"),
        (3, "OaaOaaOaa"),
        (4, "OaaaOaaaw"),
    ],
)
def test_an_overdue_walk_in_goes_first_at_most_once_in_k_calls(k, rules):
    hall, seen = crowd(k), ""
    for _ in rules:
        _, rule = hall.next("2")
        seen += {"overdue": "O", "appointment": "a", "walk-in": "w"}[rule]
        hall.finish("2")
    assert seen == rules


def test_overdue_is_longer_than_the_limit_not_as_long():
    hall = crowd(3)
    assert hall.at(after(20)).order("2")[0] == ("B004", "appointment")
    assert hall.at(after(20) + 1).order("2")[0] == ("B001", "overdue")


def test_without_a_due_appointment_nothing_is_used_up():
    hall = opened(("a", "burger", 30), counters=("2",))
    for _ in range(2):
        hall.walk_in("burger")
    hall.at(after(29)).report("a")
    assert hall.next("2") == ("B001", "walk-in")
    hall.finish("2")
    assert hall.at(after(30)).next("2") == ("B002", "overdue")


def test_each_counter_has_its_own_one_in_k():
    hall = crowd(3)
    hall.do(co.OpenCounter(counter="3"))
    assert hall.next("2") == ("B001", "overdue")
    assert hall.next("3") == ("B002", "overdue")


def test_a_call_by_number_counts_as_a_call_but_never_as_an_overdue_one():
    hall = crowd(3)
    assert hall.call("2", "B001").rule == "asked"
    hall.finish("2")
    assert hall.next("2") == ("B002", "overdue")
    hall.finish("2")
    for ticket in ("B004", "B005"):
        assert hall.call("2", ticket).rule == "asked"
        hall.finish("2")
    assert hall.next("2") == ("B003", "overdue")


def test_a_late_appointment_may_become_overdue_from_its_report():
    hall = opened(("late", "burger", -30), ("due", "burger", 20), counters=("2",))
    late = hall.report("late")
    hall.at(after(20)).report("due")
    assert hall.order("2")[0][1] == "appointment"
    assert hall.at(after(20) + 1).next("2") == (late, "overdue")


# --- whom it overtook -----------------------------------------------------------------------------


def test_a_call_names_all_whom_it_overtook_and_could_have_called_instead():
    hall = opened(("a", "burger", 10), ("w", "wonen", 30), counters=("2", "3"))
    theirs = hall.walk_in("fjc")  # not a matter of counter 2
    wonen = hall.report("w")
    first = hall.at(after(1)).walk_in("burger")
    express = hall.at(after(2)).walk_in("snel")
    due = hall.at(after(3)).report("a")
    hall.at(after(4)).walk_in("burger")
    hall.at(after(10))
    called = hall.call("2")
    assert (called.rule, called.overtook) == ("appointment", (first, express))
    assert hall.status(due) == "called"
    assert hall.next("3") == (theirs, "walk-in")
    hall.finish("3")
    called = hall.call("3")
    assert (called.rule, called.overtook) == ("walk-in", (wonen,))


def test_a_call_by_number_names_whom_it_overtook_too():
    hall = opened()
    first, second, third = (hall.at(after(n)).walk_in("burger") for n in range(3))
    called = hall.call("2", third)
    assert (called.rule, called.overtook) == ("asked", (first, second))
