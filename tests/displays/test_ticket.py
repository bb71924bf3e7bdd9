"""The citizen's own view, worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from domain.days import utc

from displays import ticket
from server.domain import commands as co


def test_waiting_called_and_served(day: Any) -> None:
    day.opened("1")
    day.walk_in("onthaal")
    ticket = day.walk_in("snel")
    view = day.ticket(ticket)
    assert view.pop("house")["state"] == "open"
    # Before it: 45 + 120 = 165 s of work: 99 and 280.5 s, rounded outwards.
    assert view == {
        "ticket": "A002",
        "status": "waiting",
        "service": "Snelloket",
        "ahead": 1,
        "low_s": 60,
        "high_s": 300,
        "counter": None,
        "call": None,
        "called_at": None,
        "may_rate": False,
    }
    day.later(30).next("1")
    assert day.ticket(ticket)["ahead"] == 0
    day.finish("1")
    day.later(30).next("1")
    view = day.ticket(ticket)
    assert (view["status"], view["ahead"], view["low_s"], view["high_s"]) == ("called", None, None, None)
    assert (view["counter"], view["called_at"]) == ("1", "2026-11-26T07:31:00.000Z")
    assert view["call"] == day.hall()["calls"][0]["id"]
    day.later(10).do(co.Recall(counter="1"))
    again = day.ticket(ticket)
    assert again["called_at"] == "2026-11-26T07:31:10.000Z"
    assert again["call"] != view["call"]
    day.do(co.Start(counter="1"))
    assert (day.ticket(ticket)["status"], day.ticket(ticket)["counter"]) == ("serving", "1")
    day.finish("1")
    view = day.ticket(ticket)
    assert (view["status"], view["counter"], view["call"], view["called_at"]) == ("served", None, None, None)


def test_nobody_can_tell_how_long_without_a_counter(day: Any) -> None:
    ticket = day.walk_in("burger")
    view = day.ticket(ticket)
    assert (view["ahead"], view["low_s"], view["high_s"]) == (0, None, None)


def test_only_those_count_as_ahead_who_go_to_the_same_counters(day: Any) -> None:
    day.opened("1", "2", "3")
    day.walk_in("onthaal")
    talk = day.walk_in("gesprek")
    other = day.later(1).walk_in("burger")
    assert day.ticket(talk)["ahead"] == 0
    assert day.ticket(other)["ahead"] == 1  # counter 3 serves both; counter 1 neither
    day.do(co.Prioritise(visit=other, priority=True))
    assert (day.ticket(talk)["ahead"], day.ticket(other)["ahead"]) == (1, 0)


def test_who_stands_before_me_at_a_counter_that_i_need_not_wait_for_is_not_ahead(day: Any) -> None:
    day.opened("1", "3")
    day.walk_in("burger")
    day.next("3")
    for _ in range(4):
        day.walk_in("burger")  # these wait for counter 3
    day.opened("2")
    # Counter 2 is free now: it takes the first of them, then the one of 600 s later.
    assert [day.ticket(f"B00{number}")["ahead"] for number in range(2, 6)] == [0, 1, 2, 3]
    for _ in range(3):
        day.walk_in("gesprek")  # at counter 3 alone, after those who go there
    fast = day.walk_in("snel")
    assert day.ticket(fast)["ahead"] == 0  # nobody before it goes to counter 1


def test_the_range_begins_with_all_the_help_of_idle_counters_and_ends_midway_to_none(day: Any) -> None:
    day.opened("1", "2")  # counter 2 helps with `snel` rather than stand idle
    for _ in range(3):
        day.walk_in("snel")
    # With counter 2's help they begin after 0, 0 and 45 + 180 s; without it after 0, 225 and 450 s.
    # The ranges run from 0.6 times the former to 1.7 times the middle (0, 112.5 and 337.5 s).
    ranges = [(day.ticket(f"A00{n}")["low_s"], day.ticket(f"A00{n}")["high_s"]) for n in (1, 2, 3)]
    assert ranges == [(0, 60), (0, 240), (120, 600)]
    day.do(co.CloseCounter(counter="1"))
    # Counter 2 alone: 0, 225 and 450 s, of which 0.6 times is 270 and 1.7 times 765.
    view = day.ticket("A003")
    assert (view["low_s"], view["high_s"]) == (240, 780)
    last = day.day.find("A003")
    assert last is not None
    assert ticket.outlook(day.model(), last) == "waiting"
    assert day.hall()["waiting"][0]["low_s"] is not None


def test_a_discreet_visit_names_no_service(day: Any) -> None:
    view = day.ticket(day.walk_in("gesprek"))
    assert view["service"] is None
    assert "esprek" not in json.dumps(view)


def test_parked_left_not_present_and_not_served(day: Any) -> None:
    day.opened("1")
    for _ in range(4):
        day.walk_in("onthaal")
    day.next("1")
    day.do(co.Park(counter="1"))
    day.next("1")
    day.do(co.Recall(counter="1"))
    day.do(co.NoShow(counter="1"))
    day.do(co.Leave(visit="A003"))
    states = [day.ticket(ticket)["status"] for ticket in ("A001", "A002", "A003", "A004")]
    assert states == ["parked", "not-present", "left", "waiting"]
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    states = [day.ticket(ticket)["status"] for ticket in ("A001", "A002", "A003", "A004")]
    assert states == ["not-served", "not-present", "left", "not-served"]
    assert day.ticket("A004")["house"]["state"] == "ended"


def test_people_before_a_counter_that_is_not_open_yet_are_ahead_all_the_same(day: Any) -> None:
    day.opened("1")  # which does not offer `burger`
    for _ in range(2):
        day.walk_in("burger")
    view = day.ticket(day.walk_in("burger"))
    assert (view["ahead"], view["low_s"]) == (2, None)


@pytest.mark.parametrize(
    ("low_s", "high_s", "told"),
    [
        (0, 1, (0, 1)),
        (60, 300, (1, 5)),
        (719, 1141, (11, 20)),
        (720, 1800, (12, 30)),
        (720, 1801, (10, 35)),
        (4000, 7501, (65, 130)),
    ],
)
def test_a_range_is_told_in_minutes_rounded_outwards(low_s: int, high_s: int, told: tuple[int, int]) -> None:
    assert ticket.minutes(low_s, high_s) == told


def test_which_sentence_tells_what_comes_next(day: Any) -> None:
    def outlook(name: str) -> str:
        return ticket.outlook(day.model(), day.day.find(name))

    mine = day.walk_in("onthaal")
    assert outlook(mine) == "no-counter"
    day.opened("1", "3")
    other = day.walk_in("onthaal")
    assert (outlook(mine), outlook(other)) == ("next", "waiting")
    for name in (mine, other):
        day.next("1")
        assert outlook(name) == "called"
        day.do(co.Start(counter="1"))
        assert outlook(name) == "serving"
        day.do(co.Park(counter="1"))
        assert outlook(name) == "parked"
    day.do(co.Return(visit=mine))
    day.do(co.Return(visit=other))
    assert (outlook(mine), outlook(other)) == ("next", "again")
    day.next("1")
    day.do(co.Transfer(counter="1", to_service="burger", accompanied=True))
    assert outlook(mine) == "accompanied"
    day.do(co.Leave(visit=mine))
    assert outlook(mine) == "left"


def test_in_the_midday_gap_it_is_told_when_the_doors_open_again(day: Any) -> None:
    mine = day.at(utc("2026-11-26 11:30")).walk_in("onthaal")
    assert ticket.opens_at(day.model()) is None
    day.at(utc("2026-11-26 12:10"))
    assert ticket.opens_at(day.model()) == utc("2026-11-26 13:30")
    assert ticket.outlook(day.model(), day.day.find(mine)) == "opens"
    # A counter that calls already has no closed house before it.
    day.opened("1")
    assert ticket.outlook(day.model(), day.day.find(mine)) == "next"
    day.do(co.CloseCounter(counter="1"))
    day.at(utc("2026-11-26 13:30"))
    assert ticket.outlook(day.model(), day.day.find(mine)) == "no-counter"
    day.at(utc("2026-11-26 18:10"))
    assert (day.model().house_now.state, ticket.opens_at(day.model())) == ("closed", None)
