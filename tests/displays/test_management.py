"""What a supervisor sees, worked out by hand."""

from __future__ import annotations

from typing import Any

from domain.days import appointment, utc

from server.domain import commands as co


def alerts(view: Any) -> list[tuple[str, str, str]]:
    return [(alert["kind"], alert["service"], alert["since"]) for alert in view["alerts"]]


def test_a_wait_past_the_limit_and_a_service_without_a_counter(day: Any) -> None:
    day.walk_in("snel")
    assert alerts(day.management()) == [("no-counter", "snel", "2026-11-26T07:30:00.000Z")]
    day.opened("1")
    assert alerts(day.management()) == []
    assert alerts(day.later(600).management()) == []
    assert alerts(day.later(0.001).management()) == [("wait", "snel", "2026-11-26T07:40:00.000Z")]
    day.next("1")
    assert alerts(day.management()) == []


def test_the_day_so_far(told: Any) -> None:
    slot = utc("2026-11-26 07:40")
    day = told(
        appointment("came", "burger", slot),
        appointment("late", "burger", slot),
        appointment("gone", "burger", slot),
        appointment("soon", "burger", utc("2026-11-26 09:00")),
    )
    day.opened("1", "2")
    day.do(co.Cancel(known=day.day.appointments["gone"], by="citizen"))
    for _ in range(4):
        day.walk_in("onthaal")
    day.report("came")

    day.later(60).next("1")  # A001 waited 60 s
    day.finish("1")
    day.later(60).next("1")  # A002 waited 120 s
    day.do(co.Recall(counter="1"))
    day.do(co.NoShow(counter="1"))
    day.later(60).next("1")  # A003 waited 180 s
    day.finish("1")
    day.do(co.Leave(visit="A004"))
    day.at(utc("2026-11-26 07:39")).next("2")  # B001, before its slot: no wait at all
    day.walk_in("onthaal")

    figures = {
        "visits": 6,
        "with_appointment": 1,
        "waiting": 1,
        "served": 2,
        "left": 1,
        "not_present": 1,
        "not_served": 0,
        "booked": 3,
        "late_now": 0,
        # The waits are 0, 60, 120 and 180 s: the 2nd and the 4th of them, by nearest rank.
        "median_wait_s": 60,
        "p90_wait_s": 180,
    }
    assert day.management()["today"] == figures
    # Five minutes of grace after the slot of who has not reported.
    assert day.at(slot + 300_000_000).management()["today"]["late_now"] == 0
    assert day.later(0.001).management()["today"]["late_now"] == 1


def test_before_anybody_came(day: Any) -> None:
    today = day.management()["today"]
    assert (today["median_wait_s"], today["p90_wait_s"], today["visits"]) == (None, None, 0)


def test_everybody_who_waits_in_the_order_of_the_house(day: Any) -> None:
    day.walk_in("onthaal")
    day.walk_in("burger", priority=True)
    waiting = day.management()["waiting"]
    assert [(line["ticket"], line["rule"]) for line in waiting] == [("B001", "priority"), ("A001", "walk-in")]


def test_after_the_day_those_left_are_not_served(day: Any) -> None:
    day.walk_in("onthaal")
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    view = day.management()
    assert (view["today"]["not_served"], view["today"]["waiting"], view["alerts"]) == (1, 0, [])
