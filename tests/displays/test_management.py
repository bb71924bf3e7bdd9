"""What a supervisor sees, worked out by hand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from domain.days import S, appointment, utc

from displays import management
from displays.day import DayModel
from displays.presence import Attendance, Heard, Key, Place
from displays.protocol import view_bytes
from server.domain import commands as co
from server.domain.house import ScreenPlan

HALL: Key = (Place.SCREEN, "hall")
SCREENS = {
    "hall": ScreenPlan(id="hall", name="Above reception"),
    "stairs": ScreenPlan(id="stairs", name="At the stairs", sounds=False),
}
MORNING = utc("2026-11-26 07:30")


def alerts(view: Any) -> list[tuple[str, str, str]]:
    return [(alert["kind"], alert["service"], alert["since"]) for alert in view["alerts"]]


def about(view: Any) -> list[tuple[str, str, str]]:
    """(kind, what it is about, since) of each alert."""
    names = ("service", "screen", "counter")
    told = [[alert[name] for name in names if alert[name] is not None] for alert in view["alerts"]]
    assert all(len(one) == 1 for one in told)
    return [
        (alert["kind"], one, alert["since"][11:19])
        for alert, (one,) in zip(view["alerts"], told, strict=True)
    ]


def seen(day: Any, heard: dict[Key, Heard] | None = None, **attendance: Any) -> Any:
    """The overview where this was heard of screens and panels."""
    settled = {"began": MORNING - 600 * S, "settled": True} | attendance
    model = DayModel(day.house, day.day, day.now, 1.0, Attendance(heard=heard or {}, **settled))
    return json.loads(view_bytes(management.overview(model)))


def online(**more: Any) -> Heard:
    return Heard(**{"online": True, "connections": 1, "since": MORNING, "heard_at": MORNING} | more)


def silent(since: int) -> Heard:
    return online(online=False, since=since, heard_at=since)


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


def test_who_is_late_longest_first_without_those_who_are_here(told: Any) -> None:
    eight = utc("2026-11-26 07:00")
    day = told(
        appointment("later", "burger", eight + 60 * S),
        appointment("talk", "gesprek", eight, late_s=900),
        appointment("here", "burger", eight),
        appointment("off", "burger", eight),
        appointment("grace", "burger", MORNING - 300 * S),
        *(appointment(f"z{number:02d}", "snel", eight + 120 * S) for number in range(30)),
    )
    day.report("here")
    day.do(co.Cancel(known=day.day.appointments["off"], by="citizen"))
    view = day.management()
    assert view["today"]["late_now"] == 32
    assert len(view["late"]) == 20
    assert [(line["appointment"], line["service"], line["late_s"]) for line in view["late"][:3]] == [
        ("talk", None, 900),  # a discreet service is not named
        ("later", "burger", None),
        ("z00", "snel", None),
    ]
    assert view["late"][0]["at"] == "2026-11-26T07:00:00.000Z"
    # After Thursday's last closing hour nobody can be late any more: they did not come.
    view = day.at(utc("2026-11-26 18:00")).management()
    assert (view["late"], view["today"]["late_now"]) == ([], 0)


def test_who_was_told_a_later_time_is_late_only_from_then_on(told: Any) -> None:
    eight = utc("2026-11-26 07:00")
    day = told(appointment("told", "burger", eight + 40 * 60 * S))
    day.do(co.Delay(known=day.day.appointments["told"], to=eight + 60 * 60 * S))
    for minutes, late in ((46, 0), (65, 0), (66, 1)):
        assert day.at(eight + minutes * 60 * S).management()["today"]["late_now"] == late


def test_a_counter_that_only_helps_is_a_counter_for_those_who_wait(day: Any) -> None:
    day.opened("2")  # its own is `burger`
    day.walk_in("snel")
    assert alerts(day.management()) == []
    day.walk_in("gesprek")
    assert [kind for kind, *_about in alerts(day.management())] == ["no-counter"]


def test_a_free_counter_is_free_since_its_last_visitor_left(day: Any) -> None:
    day.opened("1")
    opened = day.management()["counters"][0]["status_since"]
    day.walk_in("onthaal")
    day.later(60).next("1")
    day.later(300).finish("1")
    counter = day.later(30).management()["counters"][0]
    assert (counter["ticket"], counter["since"]) == (None, opened)
    assert datetime.fromisoformat(counter["status_since"]) == datetime.fromisoformat(opened) + timedelta(
        seconds=360
    )
    assert day.management()["counters"][1]["status_since"] is None  # closed


def test_the_service_level_is_of_those_who_were_called(told: Any) -> None:
    day = told(appointment("booked", "burger", utc("2026-11-26 07:45"))).opened("1", "2")
    for _ in range(5):
        day.walk_in("onthaal")
    day.report("booked")
    day.do(co.Leave(visit="A005"))  # never called: in no figure
    day.next("1")  # A001 at once
    day.finish("1")
    day.later(600).next("1")  # A002 after ten minutes, which is soon enough
    day.finish("1")
    day.later(1).next("1")  # A003 a second too late; A004 still waits
    day.at(utc("2026-11-26 07:55")).next("2")  # its wait began at the slot: ten minutes
    level = day.management()["level"]
    assert (level["within_s"], level["aim_percent"]) == (600, 80)
    assert (level["called"], level["within"]) == (4, 3)
    assert {line["service"]: (line["called"], line["within"]) for line in level["services"]} == {
        "onthaal": (3, 2),
        "snel": (0, 0),
        "burger": (1, 1),
        "gesprek": (0, 0),
    }


def test_screens_and_the_panels_that_matter(told: Any) -> None:
    day = told(screens=SCREENS).opened("2")
    heard = {
        HALL: online(
            painted=7,
            painted_at=MORNING,
            call="A001-4",
            ticket="A001",
            sounded_at=MORNING,
            sound="on",
            p50_ms=20,
            p99_ms=90,
        ),
        (Place.UNNAMED, ""): online(connections=3),
        (Place.PANEL, "1"): online(),
        (Place.PANEL, "3"): online(connections=0),  # gone, and its counter closed
    }
    lines = seen(day, heard)["screens"]
    assert [(line["kind"], line["id"], line["state"], line["connections"]) for line in lines] == [
        ("screen", "hall", "online", 1),
        ("screen", "stairs", "never", 0),
        ("unnamed", "", "online", 3),
        ("panel", "1", "online", 1),
        ("panel", "2", "never", 0),
    ]
    at = "2026-11-26T07:30:00.000Z"
    assert lines[0] == {
        "kind": "screen",
        "id": "hall",
        "name": "Above reception",
        "state": "online",
        "since": at,
        "heard_at": at,
        "connections": 1,
        "painted": 7,
        "painted_at": at,
        "sounded": {"id": "A001-4", "ticket": "A001", "at": at},
        "sounds": True,
        "sound": "on",
        "p50_ms": 20,
        "p99_ms": 90,
    }


def test_a_screen_that_falls_silent_matters_while_the_hall_is_in_use(told: Any) -> None:
    day = told(screens=SCREENS)
    at_stairs = {(Place.SCREEN, "stairs"): online()}
    # Not heard at all: since the server began, or the doors opened (at 08:00 here).
    assert about(seen(day, at_stairs)) == [("screen-silent", "hall", "07:20:00")]
    assert about(seen(day, at_stairs, began=0)) == [("screen-silent", "hall", "07:00:00")]
    assert about(seen(day, at_stairs, settled=False)) == []
    assert about(seen(day, at_stairs | {HALL: online()})) == []
    assert about(seen(day, at_stairs | {HALL: silent(MORNING)})) == [("screen-silent", "hall", "07:30:00")]
    # In the midday gap nobody looks; unless somebody still waits or is served.
    day.opened("1").walk_in("onthaal")
    gap = utc("2026-11-26 12:30")
    gone = at_stairs | {HALL: silent(gap - 60 * S)}
    kinds = [kind for kind, *_ in about(seen(day.at(gap), gone))]
    assert kinds == ["screen-silent", "wait"]
    day.next("1")
    assert "screen-silent" in [kind for kind, *_ in about(seen(day, gone))]
    day.finish("1")
    assert about(seen(day, gone)) == []
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    assert about(seen(day, {})) == []


def test_a_screen_that_is_to_sound_and_may_not(told: Any) -> None:
    day = told(screens=SCREENS)
    mute = {"sound": "refused", "sound_since": MORNING - 60 * S}
    heard = {HALL: online(**mute), (Place.SCREEN, "stairs"): online(**mute)}
    assert about(seen(day, heard)) == [("sound-refused", "hall", "07:29:00")]
    assert about(seen(day, heard | {HALL: online(sound="on")})) == []
    # One that is silent altogether has one alert, not two.
    mute_and_gone = online(online=False, **mute)
    assert [kind for kind, *_ in about(seen(day, heard | {HALL: mute_and_gone}))] == ["screen-silent"]


def test_the_panel_of_an_open_counter_that_falls_silent(told: Any) -> None:
    day = told()
    gone = {(Place.PANEL, "2"): silent(MORNING)}
    assert about(seen(day, gone)) == []
    day.opened("2")
    assert about(seen(day, gone)) == [("panel-silent", "2", "07:30:00")]
    assert about(seen(day, {(Place.PANEL, "2"): online()})) == []
    assert about(seen(day)) == []  # never heard: the counter is run by another program
    day.do(co.CloseCounter(counter="2"))
    assert about(seen(day, gone)) == []


def test_the_worst_comes_first_and_then_what_has_stood_longest(told: Any) -> None:
    day = told(screens=SCREENS).opened("1", "2")
    day.walk_in("onthaal")
    day.later(60).walk_in("snel")
    day.walk_in("gesprek")
    heard = {
        HALL: online(sound="refused", sound_since=MORNING),
        (Place.SCREEN, "stairs"): silent(MORNING + S),
        (Place.PANEL, "1"): silent(MORNING + 2 * S),
    }
    assert about(seen(day.later(1260), heard)) == [
        ("no-counter", "gesprek", "07:31:00"),
        ("screen-silent", "stairs", "07:30:01"),
        ("panel-silent", "1", "07:30:02"),
        ("wait", "snel", "07:41:00"),
        ("wait", "onthaal", "07:50:00"),
        ("wait", "gesprek", "07:51:00"),
        ("sound-refused", "hall", "07:30:00"),
    ]
