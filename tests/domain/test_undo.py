"""Undo: only the counter's last event, within two minutes, and as if it had never been."""

from __future__ import annotations

from dataclasses import replace

import pytest
from domain.days import MINUTE, THURSDAY_HALL, Played, S, appointment, house_of, utc

from server.domain import commands as co
from server.domain import events as ev

NINE = utc("2026-11-26 08:00")


def opened(*slots):
    booked = tuple(appointment(ref, service, NINE + minutes * MINUTE) for ref, service, minutes in slots)
    played = Played(house_of(THURSDAY_HALL), NINE, booked)
    played.do(co.OpenCounter(counter="1"))
    played.do(co.OpenCounter(counter="2", staff="anna"))
    played.do(co.OpenCounter(counter="3"))
    return played


def standing(hall):
    """All that people can see of a day, without its seq and what undo itself remembers."""
    counters = {name: replace(counter, last=None) for name, counter in hall.day.counters.items()}
    return hall.day.visits, counters, hall.day.calls, [hall.order(counter) for counter in "123"]


def called(hall):
    hall.walk_in("burger", then=("snel",))
    hall.call("2")


def serving(hall):
    called(hall)
    hall.do(co.Start(counter="2"))


def recalled(hall):
    called(hall)
    hall.do(co.Recall(counter="2"))


def sent_here(hall):
    """Somebody waits for counter 2 alone, somebody else is parked for it."""
    for _ in range(2):
        hall.walk_in("burger")
        hall.call("3")
        hall.do(co.Transfer(counter="3", to_counter="2"))
    hall.call("2", "B002")
    hall.do(co.Park(counter="2"))


KINDS = {
    "counter-opened": (lambda hall: hall.do(co.PauseCounter(counter="2")), co.OpenCounter(counter="2")),
    "counter-paused": (lambda hall: None, co.PauseCounter(counter="2")),
    "counter-closed": (sent_here, co.CloseCounter(counter="2")),
    "called": (lambda hall: hall.walk_in("burger"), co.CallNext(counter="2")),
    "recalled": (recalled, co.Recall(counter="2")),
    "service-started": (called, co.Start(counter="2")),
    "service-finished": (serving, co.Finish(counter="2")),
    "not-present": (recalled, co.NoShow(counter="2")),
    "parked": (serving, co.Park(counter="2")),
    "transferred": (serving, co.Transfer(counter="2", to_counter="3", staff="bert", accompanied=True)),
}


def test_every_kind_of_a_counters_events_is_tried_here():
    of_counters = set(ev.CounterEvent.__args__) - {ev.Undone}
    assert {ev.KIND_OF[event] for event in of_counters} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_undo_of_every_kind_leaves_all_as_it_was(kind):
    before, command = KINDS[kind]
    hall = opened()
    before(hall)
    hall.at(NINE + MINUTE)
    as_it_was = standing(hall)
    assert [ev.KIND_OF[type(event)] for event in hall.do(command)] == [kind]
    assert standing(hall) != as_it_was
    undone = hall.at(NINE + 3 * MINUTE).do(co.Undo(counter="2"))
    assert [type(event) for event in undone] == [ev.Undone]
    hall.at(NINE + MINUTE)
    assert standing(hall) == as_it_was
    assert hall.retold() == hall.day


@pytest.mark.parametrize("kind", KINDS)
def test_undo_in_every_kind_is_too_late_after_two_minutes(kind):
    before, command = KINDS[kind]
    hall = opened()
    before(hall)
    hall.do(command)
    assert hall.at(hall.now + 120 * S + 1).refusal(co.Undo(counter="2")) == "undo-too-late"
    hall.at(hall.now - 1).do(co.Undo(counter="2"))


def test_an_undo_cannot_be_undone_nor_go_further_back():
    hall = opened()
    called(hall)
    hall.do(co.Start(counter="2"))
    hall.do(co.Undo(counter="2"))
    assert hall.refusal(co.Undo(counter="2")) == "nothing-to-undo"
    assert hall.status("B001") == "called"
    hall.finish("2")
    hall.do(co.Undo(counter="2"))
    assert hall.status("B001") == "called"


def test_a_counter_that_did_nothing_has_nothing_to_undo():
    played = Played(house_of(THURSDAY_HALL), NINE)
    assert played.refusal(co.Undo(counter="2")) == "nothing-to-undo"


def test_undo_of_a_call_restores_seniority_and_the_one_in_k():
    hall = opened(("a", "burger", 10))
    first = hall.walk_in("burger")
    hall.at(NINE + 1).walk_in("burger")
    hall.at(NINE + 9 * MINUTE).report("a")
    hall.at(NINE + 21 * MINUTE)
    order = hall.order("2")
    assert hall.next("2") == (first, "overdue")
    hall.do(co.Undo(counter="2"))
    assert hall.order("2") == order
    assert hall.day.visits[hall.day.tickets[first]].first_called_at is None
    assert hall.next("2") == (first, "overdue")


@pytest.mark.parametrize(
    "since",
    [
        lambda hall: hall.call("3"),
        lambda hall: hall.do(co.Leave(visit="B001")),
        lambda hall: hall.do(co.Prioritise(visit="B001", priority=True)),
        lambda hall: hall.do(co.CloseCounter(counter="3")),
    ],
)
def test_undo_is_refused_once_the_visit_has_moved_on(since):
    hall = opened()
    called(hall)
    hall.do(co.Transfer(counter="2", to_counter="3"))
    since(hall)
    assert hall.refusal(co.Undo(counter="2")) == "undo-moved-on"


def test_undo_of_not_present_is_refused_once_they_are_back():
    hall = opened()
    recalled(hall)
    hall.do(co.NoShow(counter="2"))
    hall.do(co.Return(visit="B001"))
    assert hall.refusal(co.Undo(counter="2")) == "undo-moved-on"


def test_an_opening_to_which_people_were_sent_is_closed_not_undone():
    hall = opened()
    hall.do(co.CloseCounter(counter="2"))
    hall.do(co.OpenCounter(counter="2"))
    hall.walk_in("burger")
    hall.call("3")
    hall.do(co.Transfer(counter="3", to_counter="2"))
    assert hall.refusal(co.Undo(counter="2")) == "undo-moved-on"
    hall.do(co.CloseCounter(counter="2"))
    assert hall.next("3") == ("B001", "again")


def test_undo_is_the_counters_own_others_do_not_stand_in_its_way():
    hall = opened()
    hall.walk_in("burger")
    hall.walk_in("burger")
    hall.call("2")
    hall.call("3")
    hall.do(co.Undo(counter="2"))
    assert [(call.ticket, call.counter) for call in hall.day.calls] == [("B002", "3")]
    assert (hall.status("B001"), hall.status("B002")) == ("waiting", "called")


def test_call_ids_are_never_used_again_even_by_the_same_call_after_an_undo():
    hall, ids = opened(), []
    hall.walk_in("burger")
    for _ in range(3):
        ids.append(hall.call("2").call)
        ids.append(hall.do(co.Recall(counter="2"))[0].call)
        hall.do(co.Undo(counter="2"))
        ids.append(hall.do(co.Recall(counter="2"))[0].call)
        hall.do(co.Park(counter="2"))
        hall.do(co.Return(visit="B001"))
    hall.call("2")
    hall.do(co.Undo(counter="2"))
    ids.append(hall.call("2").call)
    assert len(set(ids)) == len(ids)
