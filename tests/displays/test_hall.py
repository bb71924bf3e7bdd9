"""The hall screen's view, worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from domain.days import utc

from server.domain import commands as co

OPEN = {
    "name": "Huis van de Mechelaar",
    "time_zone": "Europe/Brussels",
    "speed": 1.0,
    "date": "2026-11-26",
    "state": "open",
    "changes_at": "2026-11-26T12:00:00.000Z",
}


def waiting(letter: str, people: int, low_s: int | None = None, high_s: int | None = None) -> dict[str, Any]:
    return {"range": letter, "waiting": people, "low_s": low_s, "high_s": high_s}


def lines(view: Any) -> list[tuple[str, str]]:
    return [(call["ticket"], call["counter"]) for call in view["calls"]]


def test_before_any_counter_opens(day: Any) -> None:
    day.walk_in("onthaal")
    assert day.hall() == {
        "calls": [],
        "waiting": [waiting("A", 1), waiting("B", 0)],
        "notice": "Woensdag open vanaf 12 uur.",
        "tickets_over": False,
        "house": OPEN,
    }


def test_the_newest_call_comes_first(day: Any) -> None:
    day.opened("1", "2")
    assert (day.walk_in("onthaal"), day.walk_in("burger")) == ("A001", "B001")
    day.next("1")
    day.later(40).next("2")
    newest, older = day.hall()["calls"]
    assert newest == {
        "id": newest["id"],
        "ticket": "B001",
        "counter": "2",
        "at": "2026-11-26T07:30:40.000Z",
    }
    assert older["ticket"] == "A001"
    assert older["id"] != newest["id"]


def test_a_recall_is_one_line_on_top_under_a_new_id(day: Any) -> None:
    day.opened("1", "2")
    day.walk_in("onthaal")
    day.walk_in("burger")
    day.next("1")
    first = day.hall()["calls"][0]
    day.later(20).next("2")
    day.later(10).do(co.Recall(counter="1"))
    again = day.hall()["calls"]
    assert lines(day.hall()) == [("A001", "1"), ("B001", "2")]
    assert again[0]["id"] != first["id"]
    assert again[0]["at"] == "2026-11-26T07:30:30.000Z"


def test_a_call_to_another_counter_replaces_the_line(day: Any) -> None:
    day.opened("1", "2")
    day.walk_in("onthaal")
    day.next("1")
    day.do(co.Transfer(counter="1", to_service="burger"))
    day.later(60).next("2")
    assert lines(day.hall()) == [("A001", "2")]


def test_a_call_stays_for_its_time_to_the_millisecond(told: Callable[..., Any]) -> None:
    day = told(call_shown_s=90).opened("1")
    day.walk_in("onthaal")
    day.next("1")
    assert lines(day.later(90).hall()) == [("A001", "1")]
    assert lines(day.later(0.001).hall()) == []


def test_an_undone_call_is_gone_and_an_undone_recall_shows_the_call_before_it(day: Any) -> None:
    day.opened("1")
    day.walk_in("onthaal")
    day.next("1")
    called = day.hall()["calls"]
    day.later(5).do(co.Recall(counter="1"))
    day.do(co.Undo(counter="1"))
    assert day.hall()["calls"] == called
    day.do(co.Start(counter="1"))
    day.do(co.Undo(counter="1"))
    assert day.hall()["calls"] == called

    another = day.opened("2")
    another.walk_in("burger")
    another.next("2")
    another.do(co.Undo(counter="2"))
    assert another.hall()["calls"] == called
    assert another.hall()["waiting"][1]["waiting"] == 1


def test_a_discreet_visit_is_a_number_like_any_other(day: Any) -> None:
    day.opened("3")
    day.walk_in("burger")
    hidden = day.walk_in("gesprek")
    assert hidden == "B002"
    view = day.hall()
    assert [(line["range"], line["waiting"]) for line in view["waiting"]] == [("A", 0), ("B", 2)]
    day.next("3")
    day.finish("3")
    day.next("3")
    text = json.dumps(day.hall())
    assert lines(day.hall())[0] == ("B002", "3")
    assert "esprek" not in text
    assert '"Z"' not in text


def test_the_ranges_are_those_of_who_would_draw_a_ticket_now(day: Any) -> None:
    day.opened("1")
    assert day.hall()["waiting"] == [waiting("A", 0, 0, 60), waiting("B", 0)]
    # One is called: 45 s to walk and 120 s of service. 0.6 and 1.7 times 165 s are 99 and 280.5 s,
    # rounded outwards to whole minutes.
    day.walk_in("onthaal")
    day.next("1")
    assert day.hall()["waiting"][0] == waiting("A", 0, 60, 300)
    # Another waits with 45 + 180 s: 165 + 225 = 390 s, so 234 and 663 s.
    day.walk_in("snel")
    assert day.hall()["waiting"][0] == waiting("A", 1, 180, 720)
    # The first is served: of the 120 s the last 30 remain, but never less than 60: 36 and 102 s for
    # the second, and with its 225 s 171 and 484.5 s for who comes now.
    day.later(10).do(co.Start(counter="1"))
    day.later(90)
    assert day.hall()["waiting"][0] == waiting("A", 1, 120, 540)
    assert day.ticket("A002")["low_s"] == 0
    assert day.ticket("A002")["high_s"] == 120


def test_no_more_calls_travel_than_a_screen_has_rows(day: Any) -> None:
    day.opened("1")
    for _ in range(11):
        day.walk_in("onthaal")
        day.later(1).next("1")
        day.finish("1")
    assert [ticket for ticket, _ in lines(day.hall())] == [f"A{number:03d}" for number in range(11, 1, -1)]


def test_whoever_was_sent_away_again_is_no_longer_asked_to_the_counter(day: Any) -> None:
    day.opened("1", "2")
    for _ in range(4):
        day.walk_in("onthaal")
    day.next("1")
    day.do(co.Park(counter="1"))
    day.next("1")
    day.do(co.Transfer(counter="1", to_service="burger"))
    day.next("1")
    day.do(co.Recall(counter="1"))
    day.do(co.NoShow(counter="1"))
    day.next("1")
    day.finish("1")
    assert lines(day.hall()) == [("A004", "1")]
    day.do(co.Undo(counter="1"))
    assert lines(day.hall()) == [("A004", "1")]
    day.do(co.Return(visit="A003"))
    assert lines(day.hall()) == [("A004", "1")]


def test_the_doors_between_the_openings_and_after_the_day(day: Any) -> None:
    day.at(utc("2026-11-26 12:00"))
    assert day.hall()["house"] == OPEN | {"state": "closed", "changes_at": "2026-11-26T13:30:00.000Z"}
    day.at(utc("2026-11-26 13:30"))
    assert day.hall()["house"] == OPEN | {"changes_at": "2026-11-26T18:00:00.000Z"}
    day.at(utc("2026-11-26 18:00"))
    tomorrow = {"changes_at": "2026-11-27T07:00:00.000Z"}
    assert day.hall()["house"] == OPEN | {"state": "closed"} | tomorrow
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    assert day.hall()["house"] == OPEN | {"state": "ended"} | tomorrow


def test_the_hall_is_empty_after_the_day_and_in_the_next_one(day: Any) -> None:
    day.at(utc("2026-11-26 17:30")).opened("1")
    day.walk_in("onthaal")
    day.walk_in("onthaal")
    day.at(utc("2026-11-26 18:59")).next("1")
    assert lines(day.hall()) == [("A001", "1")]
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    assert day.hall()["calls"] == []
    day.at(utc("2026-11-26 23:00")).do(co.OpenDay())
    view = day.hall()
    assert (view["calls"], [line["waiting"] for line in view["waiting"]]) == ([], [0, 0])
    assert view["house"]["date"] == "2026-11-27"


def test_that_no_more_tickets_are_given_is_told_before_the_last_closing_only(day: Any) -> None:
    def over(moment: str) -> bool:
        told: bool = day.at(utc(f"2026-11-26 {moment}")).hall()["tickets_over"]
        return told

    assert not over("11:44")
    assert not over("11:50")  # the doors open once more today
    assert not over("17:44")
    assert over("17:50")
    assert not over("18:00")
