"""What there is to tell at a moment, on a Thursday worked out by hand.

Everybody takes ten minutes from their call: 45 seconds to walk and 555 at the counter. Counter 2 is open
and does civil affairs.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from domain.days import MINUTE, THURSDAY_HALL, Played, appointment, house_of, utc

from displays.day import DayModel
from notify.notices import Notice, wanted
from server.domain import commands as co
from server.domain.messages import Messages

EIGHT = utc("2026-11-26 07:00")
NINE = utc("2026-11-26 08:00")


def opened(*booked, now=NINE, **messages):
    """A hall at nine; ``booked`` are ids with minutes after ten, for civil affairs."""
    house = house_of(THURSDAY_HALL)
    house = replace(
        house,
        services={name: replace(service, target_s=555) for name, service in house.services.items()},
        messages=Messages(**messages),
    )
    slots = tuple(appointment(ref, "burger", NINE + (60 + minutes) * MINUTE) for ref, minutes in booked)
    hall = Played(house, now, slots)
    hall.do(co.OpenCounter(counter="2"))
    return hall


def told(hall, *kinds):
    """The notices of these kinds."""
    found = wanted(DayModel(hall.house, hall.day, hall.now))
    return [notice for notice in found if notice.kind in kinds]


def almost(hall):
    return [
        (notice.subject, notice.about.ahead, notice.about.minutes, notice.step)
        for notice in told(hall, "almost")
    ]


# --- almost your turn -----------------------------------------------------------------------------


def waiting(count, **messages):
    """One is called at nine and stays; so many others came at nine too."""
    hall = opened(**messages)
    for _ in range(count + 1):
        hall.walk_in("burger")
    hall.call("2")
    return hall


def test_so_many_ahead_are_almost_served():
    hall = waiting(4, almost_ahead=2, almost_s=0)
    assert almost(hall) == [("v2", 0, 10, "almost"), ("v3", 1, 20, "almost"), ("v4", 2, 30, "almost")]


def test_so_many_minutes_before_is_almost_too_whichever_is_first():
    assert almost(waiting(4, almost_ahead=0, almost_s=20 * 60)) == [
        ("v2", 0, 10, "almost"),
        ("v3", 1, 20, "almost"),
    ]
    assert [name for name, *_ in almost(waiting(4, almost_ahead=0, almost_s=20 * 60 - 1))] == ["v2"]


def test_who_is_served_at_once_is_told_nothing():
    hall = opened()
    hall.walk_in("burger")
    assert almost(hall) == []
    # Nobody presses "next": after five minutes they may have sat down somewhere.
    assert almost(hall.at(NINE + 5 * MINUTE - 1)) == []
    assert almost(hall.at(NINE + 5 * MINUTE)) == [("v1", 0, 1, "almost")]


def test_it_is_nobodys_turn_where_no_counter_is_open():
    hall = opened()
    hall.do(co.CloseCounter(counter="2"))
    hall.walk_in("burger")
    assert almost(hall.at(NINE + 30 * MINUTE)) == []


def test_a_wait_after_a_transfer_is_told_of_for_itself():
    hall = opened()
    hall.do(co.OpenCounter(counter="3"))
    hall.walk_in("burger")
    hall.call("2")
    hall.walk_in("burger")
    hall.call("3")
    hall.do(co.Start(counter="3"))
    hall.at(NINE + 9 * MINUTE).do(co.Transfer(counter="2", to_counter="3"))
    assert almost(hall) == []  # next at counter 3 within five minutes
    hall.at(NINE + 14 * MINUTE)
    assert almost(hall) == [("v1", 0, 1, "almost-1")]


def test_an_undone_call_begins_no_new_wait():
    hall = waiting(1)
    hall.finish("2")
    hall.call("2")
    assert almost(hall) == []
    hall.do(co.Undo(counter="2"))
    assert almost(hall.at(NINE + 5 * MINUTE)) == [("v2", 0, 1, "almost")]


# --- go to counter --------------------------------------------------------------------------------


def calls(hall):
    return [(notice.subject, notice.step, notice.about.counter) for notice in told(hall, "go")]


def test_a_call_is_told_once_however_often_it_is_repeated():
    hall = opened()
    ticket = hall.walk_in("burger")
    called = hall.call("2")
    first = [("v1", f"go-{called.call}", "2")]
    assert calls(hall) == first
    hall.do(co.Recall(counter="2"))
    assert calls(hall) == first
    hall.at(NINE + MINUTE).do(co.Recall(counter="2"))
    assert calls(hall) == first
    assert hall.status(ticket) == "called"
    hall.do(co.Start(counter="2"))
    assert calls(hall) == []


def test_another_call_is_told_again():
    hall = opened()
    ticket = hall.walk_in("burger")
    first = hall.call("2")
    hall.do(co.Recall(counter="2"))
    hall.do(co.Park(counter="2"))
    assert calls(hall) == []
    again = hall.at(NINE + 2 * MINUTE).call("2", ticket)
    assert calls(hall) == [("v1", f"go-{again.call}", "2")]
    assert again.call != first.call


def test_an_undone_call_is_told_to_nobody():
    hall = opened()
    hall.walk_in("burger")
    hall.call("2")
    hall.do(co.Undo(counter="2"))
    assert calls(hall) == []


def test_a_call_of_long_ago_is_told_to_nobody():
    hall = opened()
    hall.walk_in("burger")
    hall.call("2")
    (notice,) = told(hall, "go")
    assert notice.until == NINE + 5 * MINUTE
    assert calls(hall.at(NINE + 5 * MINUTE)) == []


# --- we run late ----------------------------------------------------------------------------------

FIVE = (("a", -12), ("b", -11), ("c", -10), ("d", 0), ("e", 3))
"""Slots at 9:48, 9:49, 9:50, 10:00 and 10:03; they begin at 9:48, 9:58, 10:08, 10:18 and 10:28."""


def named(hall):
    """The later times that are named, in minutes after ten, by appointment."""
    return {
        notice.subject: ((notice.about.later - NINE) / MINUTE - 60, notice.about.minutes)
        for notice in told(hall, "delayed")
    }


def test_a_later_time_is_named_in_full_five_minutes_never_after_the_turn():
    hall = opened(*FIVE, now=EIGHT).at(NINE)
    assert named(hall) == {"c": (5, 15), "d": (15, 15), "e": (25, 22)}
    (notice,) = [notice for notice in told(hall, "delayed") if notice.subject == "d"]
    assert notice == Notice(
        subject="d",
        kind="delayed",
        step="delayed",
        until=NINE + 60 * MINUTE,
        slot_at=NINE + 60 * MINUTE,
        about=notice.about,
    )


@pytest.mark.parametrize(("late_from_s", "who"), [(1500, {"e"}), (1501, set()), (1080, {"c", "d", "e"})])
def test_only_from_the_configured_lateness_on(late_from_s, who):
    assert set(named(opened(*FIVE, now=EIGHT, late_from_s=late_from_s).at(NINE))) == who


@pytest.mark.parametrize(
    ("before", "who"),
    [
        (91, {"c", "d"}),
        (90, {"c", "d", "e"}),
        (44, {"c", "d", "e"}),
        (42, {"d", "e"}),
        (78, {"c", "d", "e"}),
        (30, {"e"}),
        (29, set()),
    ],
)
def test_before_people_leave_home_and_not_before_anybody_can_know(before, who):
    """So many minutes before the last slot, 10:03. At 9:33 the slots until ten are past telling."""
    hall = opened(*FIVE, now=EIGHT - 10 * MINUTE).at(NINE + (63 - before) * MINUTE)
    assert set(named(hall)) == who


def test_a_house_that_has_just_opened_is_not_late():
    slots = [("a", -50), ("b", -50), ("c", -50)]  # 9:10, and the house opens at eight
    hall = opened(*slots, now=EIGHT)
    assert named(hall.at(EIGHT + 30 * MINUTE - 1)) == {}
    assert named(hall.at(EIGHT + 30 * MINUTE)) == {"c": (-30, 20)}


def test_who_comes_later_anyway_or_is_not_awaited_is_told_nothing():
    hall = opened(*FIVE, now=EIGHT)
    of = hall.day.appointments
    hall.do(co.AnnounceLate(known=of["d"], late_s=15 * 60))
    hall.do(co.AnnounceLate(known=of["e"], late_s=10 * 60))
    hall.do(co.NoteCame(known=of["c"]))
    assert named(hall.at(NINE)) == {"e": (25, 22)}


def test_a_named_time_stands_whatever_becomes_of_the_hall():
    hall = opened(*FIVE, now=EIGHT).at(NINE)
    hall.do(co.Delay(known=hall.day.appointments["d"], to=NINE + 75 * MINUTE))
    for name in "abc":
        hall.do(co.Cancel(known=hall.day.appointments[name], by="citizen"))
    assert named(hall) == {"d": (15, 15)}
    hall.at(NINE + 59 * MINUTE)
    assert named(hall) == {"d": (15, 15)}
    hall.at(NINE + 60 * MINUTE)
    assert named(hall) == {}


def test_nobody_is_told_a_time_where_no_counter_serves():
    hall = opened(*FIVE, now=EIGHT)
    hall.do(co.CloseCounter(counter="2"))
    assert named(hall.at(NINE)) == {}


# --- we close -------------------------------------------------------------------------------------


def test_the_end_of_the_day_is_told_to_who_was_not_served():
    hall = opened(("never", 0))
    tickets = [hall.walk_in("burger") for _ in range(4)]
    hall.call("2", tickets[0])
    hall.do(co.Start(counter="2"))
    hall.do(co.Leave(visit=tickets[1]))
    assert told(hall, "closing") == []
    evening = hall.at(THURSDAY_HALL.ends)
    assert told(hall, "closing") == []  # not before the day has ended: who waits may still be served
    hall.do(co.EndDay())
    assert [(notice.subject, notice.step) for notice in wanted(DayModel(hall.house, hall.day, hall.now))] == [
        ("v3", "closing"),
        ("v4", "closing"),
    ]
    assert told(evening.at(THURSDAY_HALL.ends + 120 * MINUTE), "closing") == []
