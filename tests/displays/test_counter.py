"""A counter panel's view, worked out by hand."""

from __future__ import annotations

from typing import Any

from domain.days import MINUTE, appointment, utc

from displays import counter
from server.domain import commands as co
from server.domain.house import CounterPlan

OTHERS = [
    {"counter": "1", "mode": "closed", "services": ["onthaal", "snel"]},
    {"counter": "3", "mode": "closed", "services": ["burger", "gesprek"]},
]


def queue(view: Any) -> list[tuple[str, str]]:
    return [(line["ticket"], line["rule"]) for line in view["queue"]]


def test_a_panel_that_nobody_opened_today(day: Any) -> None:
    view = day.panel("2")
    assert view.pop("house")["date"] == "2026-11-26"
    assert view == {
        "counter": "2",
        "mode": "closed",
        "since": None,
        "staff": None,
        "current": None,
        "waiting": 0,
        "queue": [],
        "away": [],
        "later": [],
        "undo": None,
        "services": [{"id": "burger", "name": "Burgerzaken"}],
        "elsewhere": [
            {"id": "onthaal", "name": "Onthaal"},
            {"id": "snel", "name": "Snelloket"},
            {"id": "gesprek", "name": "Gesprek met iemand"},
        ],
        "counters": OTHERS,
    }


def test_open_paused_and_closed_again(day: Any) -> None:
    day.later(60).do(co.OpenCounter(counter="2", staff="an"))
    view = day.panel("2")
    assert (view["mode"], view["since"], view["staff"]) == ("open", "2026-11-26T07:31:00.000Z", "an")
    day.later(60).do(co.PauseCounter(counter="2"))
    view = day.panel("2")
    assert (view["mode"], view["since"]) == ("paused", "2026-11-26T07:32:00.000Z")
    assert day.panel("1")["counters"] == [
        {"counter": "2", "mode": "paused", "services": ["burger"]},
        OTHERS[1],
    ]


def test_the_queue_is_the_counters_own_order_with_reasons(told: Any) -> None:
    slot = utc("2026-11-26 07:31")
    day = told(appointment("b1", "burger", slot, language="fr", persons=3), appointment("b2", "burger", slot))
    day.opened("2")
    day.walk_in("burger")
    day.walk_in("snel")
    day.walk_in("onthaal")
    assert (day.report("b1"), day.report("b2")) == ("B002", "B003")
    # Before the slot both are early; who helps out with express work comes last.
    assert queue(day.panel("2")) == [
        ("B001", "walk-in"),
        ("B002", "early"),
        ("B003", "early"),
        ("A001", "overflow"),
    ]
    day.later(60).do(co.Prioritise(visit="B003", priority=True))
    view = day.panel("2")
    assert queue(view) == [
        ("B003", "priority"),
        ("B002", "appointment"),
        ("B001", "walk-in"),
        ("A001", "overflow"),
    ]
    assert view["waiting"] == 4
    assert view["queue"][1] == {
        "ticket": "B002",
        "service": "burger",
        "rule": "appointment",
        "reported_at": "2026-11-26T07:30:00.000Z",
        "slot_at": "2026-11-26T07:31:00.000Z",
        "priority": False,
        "persons": 3,
        "language": "fr",
        "accompanied": False,
        "bound": False,
    }
    assert queue(day.panel("1")) == [("A001", "walk-in"), ("A002", "walk-in")]


def test_counters_that_offer_the_same_share_an_order_but_not_who_asks_for_one_of_them(told: Any) -> None:
    plans = {name: CounterPlan(id=name, services=frozenset({"burger"})) for name in ("1", "2", "3")}
    day = told(counters=plans).opened("1")
    for name, staff in (("2", "ann"), ("3", "bob")):
        day.do(co.OpenCounter(counter=name, staff=staff))
    day.walk_in("burger")
    bound = day.walk_in("burger")
    day.do(co.Bind(visit=bound, staff="ann"))
    assert [len(queue(day.panel(name))) for name in ("1", "2", "3")] == [1, 2, 1]
    day.do(co.CallNext(counter="1"))
    day.do(co.Transfer(counter="1", to_counter="3"))
    model = day.model()  # one model for all panels, as the hall shows them
    views = {name: counter.panel(model, name) for name in ("1", "2", "3")}
    assert {name: [line.ticket for line in view.queue] for name, view in views.items()} == {
        "1": [],
        "2": ["B002"],
        "3": ["B001"],
    }


def test_only_the_head_of_a_long_queue_travels(day: Any) -> None:
    for _ in range(23):
        day.walk_in("burger")
    view = day.panel("2")
    assert view["waiting"] == 23
    assert [line["ticket"] for line in view["queue"]] == [f"B{number:03}" for number in range(1, 21)]


def test_who_is_called_recalled_and_served(told: Any) -> None:
    day = told(appointment("b1", "burger", utc("2026-11-26 07:35")), recalls_before_no_show=2).opened("2")
    day.walk_in("burger", then=("snel",), language="en", persons=2)
    day.report("b1")
    day.at(utc("2026-11-26 07:36")).next("2")
    assert day.panel("2")["current"] == {
        "ticket": "B002",
        "visit": "v2",
        "service": "burger",
        "status": "called",
        "rule": "appointment",
        "overtook": ["B001"],
        "called_at": "2026-11-26T07:36:00.000Z",
        "started_at": None,
        "recalls": 0,
        "no_show_after": 2,
        "slot_at": "2026-11-26T07:35:00.000Z",
        "reported_at": "2026-11-26T07:30:00.000Z",
        "then": [],
        "persons": 1,
        "language": None,
        "accompanied": False,
        "priority": False,
        "bound": False,
    }
    day.later(30).do(co.Recall(counter="2"))
    current = day.panel("2")["current"]
    assert (current["recalls"], current["no_show_after"]) == (1, 1)
    assert current["called_at"] == "2026-11-26T07:36:30.000Z"
    day.later(5).do(co.Start(counter="2"))
    current = day.panel("2")["current"]
    assert (current["status"], current["started_at"]) == ("serving", "2026-11-26T07:36:35.000Z")
    day.finish("2")
    assert day.panel("2")["current"] is None
    day.next("2")
    current = day.panel("2")["current"]
    assert (current["ticket"], current["then"], current["language"], current["persons"]) == (
        "B001",
        ["snel"],
        "en",
        2,
    )


def test_whom_a_call_overtook(day: Any) -> None:
    day.opened("2")
    day.walk_in("burger")
    day.walk_in("burger")
    day.walk_in("burger", priority=True)
    day.next("2")
    current = day.panel("2")["current"]
    assert (current["ticket"], current["rule"], current["overtook"]) == (
        "B003",
        "priority",
        ["B001", "B002"],
    )


def test_who_is_away_or_was_called_in_vain_newest_first(day: Any) -> None:
    day.opened("1", "2")
    for _ in range(2):
        day.walk_in("burger")
    day.walk_in("onthaal")
    day.next("1")
    day.do(co.Park(counter="1"))
    day.next("2")
    day.later(10).do(co.Recall(counter="2"))
    day.later(20).do(co.NoShow(counter="2"))
    day.later(30).next("2")
    day.do(co.Start(counter="2"))
    day.later(60).do(co.Park(counter="2"))
    away = day.panel("2")["away"]
    assert [(line["ticket"], line["status"], line["service"]) for line in away] == [
        ("B002", "parked", "burger"),
        ("B001", "not-present", "burger"),
    ]
    # parked a minute after the service began, not when it was called
    assert [line["since"] for line in away] == ["2026-11-26T07:32:00.000Z", "2026-11-26T07:30:30.000Z"]
    assert [line["ticket"] for line in day.panel("1")["away"]] == ["A001"]
    day.do(co.Return(visit="B001"))
    assert [line["ticket"] for line in day.panel("2")["away"]] == ["B002"]
    assert queue(day.panel("2")) == [("B001", "again")]


def test_undo_is_offered_for_its_time_and_no_longer(day: Any) -> None:
    day.opened("2")
    day.walk_in("burger")
    day.next("2")
    assert day.panel("2")["undo"] == {"kind": "called", "until": "2026-11-26T07:32:00.000Z"}
    assert day.later(120).panel("2")["undo"] is not None
    assert day.later(0.001).panel("2")["undo"] is None


def test_no_undo_is_offered_that_would_be_refused(day: Any) -> None:
    day.opened("1", "2", "3")
    day.walk_in("burger")
    day.next("2")
    day.do(co.Transfer(counter="2", to_counter="3"))
    assert day.panel("2")["undo"]["kind"] == "transferred"
    # Somebody waits for counter 3 now, so its opening cannot be taken back; once called, the
    # transfer cannot either.
    assert day.panel("3")["undo"] is None
    assert day.refusal(co.Undo(counter="3")) == "undo-moved-on"
    day.next("3")
    assert day.panel("2")["undo"] is None
    assert day.refusal(co.Undo(counter="2")) == "undo-moved-on"


def test_an_accompanied_transfer_shows_at_the_other_counter(day: Any) -> None:
    day.opened("1", "2")
    day.walk_in("onthaal")
    day.next("1")
    day.do(co.Transfer(counter="1", to_counter="2", accompanied=True))
    assert queue(day.panel("2")) == [("A001", "again")]
    assert day.panel("2")["queue"][0]["accompanied"] is True
    day.next("2")
    assert day.panel("2")["current"]["accompanied"] is True


def test_who_is_bound_shows_at_the_counter_of_that_member_of_staff_alone(day: Any) -> None:
    day.do(co.OpenCounter(counter="2", staff="an"))
    day.do(co.OpenCounter(counter="3", staff="bo"))
    day.walk_in("burger")
    day.walk_in("burger")
    day.do(co.Bind(visit="B001", staff="bo"))
    assert queue(day.panel("2")) == [("B002", "walk-in")]
    assert [(line["ticket"], line["bound"]) for line in day.panel("3")["queue"]] == [
        ("B001", True),
        ("B002", False),
    ]
    day.next("3")
    assert day.panel("3")["current"]["bound"] is True
    # Sent on, it is free again, unless it comes back.
    day.do(co.Transfer(counter="3", to_service="burger"))
    assert [line["bound"] for line in day.panel("2")["queue"]] == [False, False]
    day.next("3")
    day.do(co.Transfer(counter="3", to_service="burger", staff="bo"))
    assert queue(day.panel("2")) == [("B002", "walk-in")]
    assert (day.panel("3")["queue"][0]["ticket"], day.panel("3")["queue"][0]["bound"]) == ("B001", True)
    day.do(co.Bind(visit="B001", staff=None))
    assert queue(day.panel("2")) == [("B001", "again"), ("B002", "walk-in")]


def test_the_end_of_the_day_closes_the_panel(day: Any) -> None:
    day.at(utc("2026-11-26 17:40")).opened("2")
    day.walk_in("burger")
    day.walk_in("burger")
    day.next("2")
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    view = day.panel("2")
    assert (view["mode"], view["current"], view["queue"], view["away"], view["undo"]) == (
        "closed",
        None,
        [],
        [],
        None,
    )
    assert view["house"]["state"] == "ended"
    assert view["since"] == "2026-11-26T19:00:00.000Z"
    day.at(utc("2026-11-26 23:00") + MINUTE).do(co.OpenDay())
    view = day.panel("2")
    assert (view["mode"], view["since"], view["house"]["date"]) == ("closed", None, "2026-11-27")


def test_who_comes_later_is_told_to_the_counters_that_serve_them(told: Any) -> None:
    slot = utc("2026-11-26 07:40")
    day = told(
        appointment("b1", "burger", slot, late_s=1200),
        appointment("b2", "burger", slot + 5 * MINUTE, late_s=300),
        appointment("b3", "burger", slot),
        appointment("g1", "gesprek", slot, late_s=600),
    )
    assert day.panel("1")["later"] == []
    assert [one["appointment"] for one in day.panel("3")["later"]] == ["b2", "g1", "b1"]
    assert day.panel("2")["later"] == [
        {
            "appointment": "b2",
            "service": "burger",
            "at": "2026-11-26T07:45:00.000Z",
            "late_s": 300,
            "expected_at": "2026-11-26T07:50:00.000Z",
            "keeps_until": "2026-11-26T08:05:00.000Z",
        },
        {
            "appointment": "b1",
            "service": "burger",
            "at": "2026-11-26T07:40:00.000Z",
            "late_s": 1200,
            "expected_at": "2026-11-26T08:00:00.000Z",
            "keeps_until": "2026-11-26T08:00:00.000Z",
        },
    ]
    day.report("b2")
    assert [one["appointment"] for one in day.panel("2")["later"]] == ["b1"]
    day.later(30 * 60)
    assert [one["appointment"] for one in day.panel("2")["later"]] == ["b1"]
    day.later(1)
    assert day.panel("2")["later"] == []
