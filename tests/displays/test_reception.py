"""Reception's view, worked out by hand."""

from __future__ import annotations

from typing import Any

from domain.days import appointment, utc

from server.domain import commands as co


def test_the_hall_at_a_glance(told: Any) -> None:
    day = told(
        appointment("late", "burger", utc("2026-11-26 08:00"), persons=2),
        appointment("first", "gesprek", utc("2026-11-26 07:45")),
    )
    day.opened("2", "3")
    day.walk_in("burger", priority=True)
    day.report("first")
    day.do(co.AnnounceLate(known=day.day.appointments["late"], late_s=600))
    day.do(co.Delay(known=day.day.appointments["late"], to=utc("2026-11-26 08:25")))
    day.later(60).next("2")
    day.later(5).do(co.Start(counter="2"))
    view = day.reception()

    assert view.pop("advice") == []
    assert view.pop("house")["name"] == "Huis van de Mechelaar"
    assert view.pop("takes_tickets") is True
    assert view.pop("appointments") == [
        {
            "appointment": "first",
            "service": "gesprek",
            "at": "2026-11-26T07:45:00.000Z",
            "state": "reported",
            "late_s": None,
            "told_at": None,
            "ticket": "B002",
            "persons": 1,
            "call_back_at": None,
        },
        {
            "appointment": "late",
            "service": "burger",
            "at": "2026-11-26T08:00:00.000Z",
            "state": "booked",
            "late_s": 600,
            "told_at": "2026-11-26T08:25:00.000Z",
            "ticket": None,
            "persons": 2,
            "call_back_at": None,
        },
    ]
    assert view.pop("visits") == [
        {
            "visit": "v1",
            "ticket": "B001",
            "service": "burger",
            "status": "serving",
            "reported_at": "2026-11-26T07:30:00.000Z",
            "slot_at": None,
            "priority": True,
            "persons": 1,
            "counter": "2",
            "staff": None,
        },
        {
            "visit": "v2",
            "ticket": "B002",
            "service": "gesprek",
            "status": "waiting",
            "reported_at": "2026-11-26T07:30:00.000Z",
            "slot_at": "2026-11-26T07:45:00.000Z",
            "priority": False,
            "persons": 1,
            "counter": None,
            "staff": None,
        },
    ]
    assert [line["counter"] for line in view["counters"]] == ["1", "2", "3"]
    assert view["counters"][1] == {
        "counter": "2",
        "mode": "open",
        "since": "2026-11-26T07:30:00.000Z",
        "staff": None,
        "services": ["burger"],
        "ticket": "B001",
        "status": "serving",
        "status_since": "2026-11-26T07:31:05.000Z",
    }
    assert view["services"][3] == {
        "id": "gesprek",
        "name": "Gesprek met iemand",
        "kind": "theme",
        "range": "Z",
        "walk_ins": True,
        "appointments": True,
        "waiting": 1,
        # An appointment's wait begins at its slot, not at an early report.
        "longest_since": "2026-11-26T07:45:00.000Z",
        "open_counters": 1,
        # B002 is first at counter 3, which then has 45 + 1200 s of work: 747 and 2116.5 s.
        "low_s": 720,
        "high_s": 2160,
        "discreet": True,
    }
    assert view["services"][0]["longest_since"] is None
    assert view["services"][0]["open_counters"] == 0
    assert view["services"][0]["low_s"] is None


def test_who_left_or_was_served_is_no_longer_in_the_house(day: Any) -> None:
    day.opened("1")
    day.walk_in("onthaal")
    day.walk_in("onthaal")
    day.walk_in("onthaal")
    day.next("1")
    day.finish("1")
    day.do(co.Leave(visit="A002"))
    assert [(line["ticket"], line["status"]) for line in day.reception()["visits"]] == [("A003", "waiting")]


def test_tickets_stop_a_quarter_of_an_hour_before_closing(day: Any) -> None:
    assert day.at(utc("2026-11-26 11:44")).reception()["takes_tickets"] is True
    assert day.at(utc("2026-11-26 11:45")).reception()["takes_tickets"] is False
    assert day.at(utc("2026-11-26 13:20")).reception()["takes_tickets"] is True
