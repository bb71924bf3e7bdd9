"""What a counter may do, and where that leaves the visit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from domain.days import MINUTE, THURSDAY_HALL, Played, appointment, house_of, utc

from server.domain import commands as co

NINE = utc("2026-11-26 08:00")


def opened(*slots, **changes):
    booked = tuple(appointment(ref, service, NINE + minutes * MINUTE) for ref, service, minutes in slots)
    played = Played(house_of(replace(THURSDAY_HALL, **changes)), NINE, booked)
    for counter in ("1", "2", "3"):
        played.do(co.OpenCounter(counter=counter))
    return played


def visit(hall, ticket):
    return hall.day.find(ticket)


def test_next_where_nobody_waits_is_nothing_at_all():
    hall = opened()
    before = hall.day
    assert hall.do(co.CallNext(counter="2")) == ()
    assert hall.day is before


@pytest.mark.parametrize("command", [co.CallNext(counter="2"), co.CallTicket(counter="2", ticket="B001")])
def test_a_call_at_a_counter_that_is_busy_paused_or_closed_is_refused(command):
    hall = opened()
    hall.walk_in("burger")
    hall.walk_in("burger")
    hall.do(co.PauseCounter(counter="2"))
    assert hall.refusal(command) == "counter-not-open"
    hall.do(co.CloseCounter(counter="2"))
    assert hall.refusal(command) == "counter-not-open"
    hall.do(co.OpenCounter(counter="2"))
    hall.call("2")
    assert hall.refusal(command) == "counter-busy"


def test_a_repeated_open_pause_or_close_changes_nothing():
    hall = opened()
    for command in (
        co.OpenCounter(counter="2"),
        co.PauseCounter(counter="2"),
        co.CloseCounter(counter="2"),
    ):
        hall.do(command)
        assert hall.do(command) == ()
    assert hall.refusal(co.PauseCounter(counter="2")) == "counter-not-open"


def test_a_busy_counter_may_pause_but_not_close():
    hall = opened()
    hall.walk_in("burger")
    hall.call("2")
    assert hall.refusal(co.CloseCounter(counter="2")) == "counter-busy"
    hall.do(co.PauseCounter(counter="2"))
    hall.do(co.Recall(counter="2"))
    hall.do(co.Start(counter="2"))
    hall.finish("2")
    assert hall.status("B001") == "served"


@pytest.mark.parametrize("needed", [0, 1, 2])
def test_not_present_only_after_the_set_number_of_recalls(needed):
    hall = opened(recalls=needed)
    hall.walk_in("burger")
    hall.call("2")
    for _ in range(needed):
        assert hall.refusal(co.NoShow(counter="2")) == "recall-first"
        hall.do(co.Recall(counter="2"))
    hall.do(co.NoShow(counter="2"))
    assert hall.status("B001") == "not-present"
    assert hall.day.counter("2").visit is None


def test_who_was_called_in_vain_may_come_back_or_be_called_by_number():
    hall = opened()
    for _ in range(2):
        hall.walk_in("burger")
        hall.call("2")
        hall.do(co.Recall(counter="2"))
        hall.do(co.NoShow(counter="2"))
    hall.do(co.Return(visit="B001"))
    assert hall.order("2") == [("B001", "again")]
    assert hall.call("2", "B002").rule == "asked"


def test_recalls_are_counted_from_the_last_call():
    hall = opened()
    hall.walk_in("burger")
    hall.call("2")
    hall.do(co.Recall(counter="2"))
    hall.do(co.Park(counter="2"))
    hall.call("2", "B001")
    assert hall.refusal(co.NoShow(counter="2")) == "recall-first"


def test_recall_start_and_no_show_are_for_who_is_called_not_for_who_sits():
    hall = opened()
    for command in (co.Recall, co.Start, co.NoShow, co.Finish, co.Park):
        assert hall.refusal(command(counter="2")) == "nobody-at-counter"
    hall.walk_in("burger")
    hall.call("2")
    hall.do(co.Start(counter="2"))
    for command in (co.Recall, co.Start, co.NoShow):
        assert hall.refusal(command(counter="2")) == "not-called"


def test_the_hall_sees_the_newest_call_first_and_each_recall_under_a_new_id():
    hall = opened()
    hall.walk_in("burger")
    hall.walk_in("snel")
    hall.call("2")
    hall.call("1")
    hall.do(co.Recall(counter="2"))
    assert [(call.ticket, call.counter) for call in hall.day.calls] == [
        ("B001", "2"),
        ("A001", "1"),
        ("B001", "2"),
    ]
    assert len({call.id for call in hall.day.calls}) == 3


# --- aside ----------------------------------------------------------------------------------------


def test_a_parked_visit_waits_for_nobody_until_it_is_back():
    hall = opened()
    hall.walk_in("burger")
    hall.call("2")
    hall.do(co.Park(counter="2"))
    assert hall.order("2") == []
    assert hall.do(co.Return(visit="B001"))
    assert hall.do(co.Return(visit="B001")) == ()
    assert hall.order("2") == [("B001", "again")]
    hall.walk_in("burger")
    assert hall.refusal(co.Return(visit="B002")) == "not-away"


def test_a_transfer_to_a_service_keeps_seniority_before_new_people():
    hall = opened()
    hall.walk_in("snel")
    older = hall.at(NINE + MINUTE).walk_in("burger", priority=True)
    hall.call("1")
    hall.at(NINE + 5 * MINUTE).do(co.Transfer(counter="1", to_service="burger", accompanied=True))
    assert hall.order("2") == [("A001", "again"), (older, "priority")]
    assert visit(hall, "A001").reported_at == NINE
    assert visit(hall, "A001").accompanied


def test_a_transfer_to_a_counter_waits_for_that_counter_whatever_it_offers():
    hall = opened()
    hall.walk_in("snel")
    hall.call("1")
    hall.do(co.Transfer(counter="1", to_counter="2"))
    assert [hall.order(counter) for counter in "123"] == [[], [("A001", "again")], []]
    assert hall.refusal(co.CallTicket(counter="1", ticket="A001")) == "not-this-counter"


def test_a_transfer_to_a_member_of_staff_follows_them():
    hall = opened()
    hall.do(co.OpenCounter(counter="3", staff="anna"))
    hall.walk_in("snel")
    hall.call("1")
    hall.do(co.Transfer(counter="1", to_service="burger", staff="anna"))
    assert [hall.order(counter) for counter in "23"] == [[], [("A001", "again")]]
    hall.do(co.CloseCounter(counter="3"))
    hall.do(co.OpenCounter(counter="2", staff="anna"))
    assert [hall.order(counter) for counter in "23"] == [[("A001", "again")], []]


def test_binding_holds_everybody_else_off_until_it_is_lifted():
    hall = opened()
    hall.walk_in("burger")
    hall.do(co.Bind(visit="B001", staff="anna"))
    assert hall.next("2") is None
    assert hall.refusal(co.CallTicket(counter="2", ticket="B001")) == "not-this-counter"
    hall.do(co.Bind(visit="B001", staff=None))
    assert hall.next("2") == ("B001", "walk-in")


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({}, "bad-transfer"),
        ({"to_service": "snel", "to_counter": "1"}, "bad-transfer"),
        ({"to_counter": "2"}, "bad-transfer"),
        ({"to_counter": "99"}, "unknown-counter"),
        ({"to_service": "nothing"}, "unknown-service"),
        ({"to_counter": "3"}, "counter-not-open"),
    ],
)
def test_a_transfer_to_nowhere_is_refused(where, code):
    hall = opened()
    hall.walk_in("burger")
    hall.do(co.CloseCounter(counter="3"))
    hall.call("2")
    assert hall.refusal(co.Transfer(counter="2", **where)) == code
    assert hall.status("B001") == "called"


@pytest.mark.parametrize("away", ["waiting", "parked", "not-present"])
def test_a_counter_that_closes_frees_who_was_sent_to_it_alone(away):
    hall = opened()
    hall.walk_in("burger")
    hall.call("3")
    hall.do(co.Transfer(counter="3", to_counter="2"))
    if away != "waiting":
        hall.call("2")
        hall.do(co.Recall(counter="2"))
        hall.do(co.Park(counter="2") if away == "parked" else co.NoShow(counter="2"))
    hall.do(co.CloseCounter(counter="2"))
    if away != "waiting":
        hall.do(co.Return(visit="B001"))
    assert hall.next("3") == ("B001", "again")


def test_several_services_in_one_visit_under_one_ticket():
    hall = opened()
    ticket = hall.walk_in("snel", then=("burger", "onthaal"))
    hall.at(NINE + MINUTE).walk_in("burger", priority=True)
    seen = []
    for counter in ("1", "2", "1"):
        seen.append((*hall.next(counter), visit(hall, ticket).service))
        hall.do(co.Start(counter=counter))
        hall.at(hall.now + 5 * MINUTE).finish(counter)
    assert seen == [(ticket, "walk-in", "snel"), (ticket, "again", "burger"), (ticket, "again", "onthaal")]
    assert hall.status(ticket) == "served"
    assert hall.refusal(co.CallTicket(counter="1", ticket=ticket)) == "not-waiting"


def test_leaving_is_said_while_waiting_or_parked():
    hall = opened()
    hall.walk_in("burger")
    hall.do(co.Leave(visit="B001"))
    assert hall.do(co.Leave(visit="B001")) == ()
    assert hall.status("B001") == "left"
    assert hall.next("2") is None
    hall.walk_in("burger")
    hall.call("2")
    assert hall.refusal(co.Leave(visit="B002")) == "not-waiting"
    assert hall.refusal(co.Leave(visit="B999")) == "unknown-ticket"
    assert hall.refusal(co.Prioritise(visit="B001", priority=True)) == "visit-over"
    assert hall.refusal(co.Bind(visit="B001", staff="anna")) == "visit-over"


def test_forty_counters_that_press_next_get_forty_people_in_order():
    desks = {str(n): THURSDAY_HALL.desks["2"] for n in range(1, 41)}
    hall = opened(desks=desks)
    for _ in range(38):
        hall.walk_in("burger")
    called = []
    for counter in desks:
        hall.do(co.OpenCounter(counter=counter))
        called.append(hall.next(counter))
    assert called == [(f"B{n:03d}", "walk-in") for n in range(1, 39)] + [None, None]
