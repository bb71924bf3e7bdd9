"""The citizen's own view, worked out by hand."""

from __future__ import annotations

import json
from typing import Any

from domain.days import utc

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
