"""The plan of reminders, by hand-made calendars: wall clocks, quiet hours, clock changes, closing days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from notify import plan
from server.domain.appointment import Appointment, Booking
from server.domain.house import House, Kind, Service
from server.domain.messages import Languages, Messages, step
from server.domain.schedule import Calendar, to_instant

BRUSSELS = ZoneInfo("Europe/Brussels")
ALL_DAY = ((time(8), time(18)),)
HOLIDAYS = (date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26))


def at(text: str) -> int:
    """A wall-clock time in Brussels as an instant."""
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS))


def local(instant: int) -> str:
    """An instant as the clock on the wall shows it."""
    return datetime.fromtimestamp(instant / 1e6, BRUSSELS).strftime("%Y-%m-%d %H:%M")


def house(**messages: object) -> House:
    return House(
        site="s",
        name="s",
        calendar=Calendar(zone=BRUSSELS, weekly=(ALL_DAY,) * 7, is_holiday=HOLIDAYS.__contains__),
        services={"a": Service(id="a", name="A", kind=Kind.THEME, range="A", target_s=600)},
        counters={},
        messages=replace(Messages(), **messages),  # type: ignore[arg-type]
    )


def booked(slot: str, on: str = "2026-01-01 09:00", **more: object) -> Appointment:
    fields: dict[str, object] = {"id": "x", "service": "a", "at": at(slot), "booked_at": at(on), **more}
    return Appointment(**fields)  # type: ignore[arg-type]


def told(found: tuple[plan.Rung, ...]) -> list[tuple[str, str]]:
    return [(rung.step, local(rung.due_at)) for rung in found]


def test_three_days_one_day_and_two_hours_before() -> None:
    assert told(plan.rungs(house(), booked("2026-11-26 10:40"))) == [
        ("3d", "2026-11-23 10:40"),
        ("1d", "2026-11-25 10:40"),
        ("2h", "2026-11-26 08:40"),
    ]


def test_each_is_of_use_until_the_next_and_the_last_until_the_slot() -> None:
    found = plan.rungs(house(), booked("2026-11-26 10:40"))
    assert [local(rung.until) for rung in found] == [
        "2026-11-25 10:40",
        "2026-11-26 08:40",
        "2026-11-26 10:40",
    ]


@pytest.mark.parametrize(
    ("slot", "expected"),
    [
        # Clocks go forward on 29 March 2026 at 02:00 and back on 25 October at 03:00.
        (
            "2026-03-29 10:00",
            [("3d", "2026-03-26 10:00"), ("1d", "2026-03-28 10:00"), ("2h", "2026-03-29 08:00")],
        ),
        (
            "2026-10-25 10:00",
            [("3d", "2026-10-22 10:00"), ("1d", "2026-10-24 10:00"), ("2h", "2026-10-25 08:00")],
        ),
        (
            "2026-10-26 10:00",
            [("3d", "2026-10-23 10:00"), ("1d", "2026-10-25 10:00"), ("2h", "2026-10-26 08:00")],
        ),
    ],
)
def test_days_before_keep_the_wall_clock_when_clocks_change(
    slot: str, expected: list[tuple[str, str]]
) -> None:
    assert told(plan.rungs(house(), booked(slot))) == expected


def test_hours_before_are_elapsed_time_when_clocks_change() -> None:
    night = house(quiet=None, ladder=(step("2h"),))
    # At 04:00 on the day with 25 hours two hours ago it was 03:00, for the first time of two 02:59 passed.
    assert told(plan.rungs(night, booked("2026-10-25 03:30"))) == [("2h", "2026-10-25 02:30")]
    assert told(plan.rungs(night, booked("2026-03-29 04:00"))) == [("2h", "2026-03-29 01:00")]
    found = plan.rungs(night, booked("2026-10-25 03:30"))
    assert at("2026-10-25 03:30") - found[0].due_at == 2 * 3600 * 1_000_000


def test_a_wall_clock_time_that_the_day_before_skips_is_still_sent() -> None:
    night = house(quiet=None, ladder=(step("1d"),))
    (rung,) = plan.rungs(night, booked("2026-03-30 02:30"))
    assert local(rung.due_at) in ("2026-03-29 01:30", "2026-03-29 03:30")


def test_quiet_hours_move_a_step_earlier_and_never_drop_it() -> None:
    found = told(plan.rungs(house(), booked("2026-11-26 08:30")))
    # Two hours before is 06:30: the evening before, a quarter of an hour before it gets quiet.
    assert found == [
        ("3d", "2026-11-23 08:30"),
        ("1d", "2026-11-25 08:30"),
        ("2h", "2026-11-25 20:45"),
    ]


def test_quiet_hours_within_one_day_and_none_at_all() -> None:
    siesta = house(quiet=(time(12), time(14)), ladder=(step("2h"),))
    assert told(plan.rungs(siesta, booked("2026-11-26 15:00"))) == [("2h", "2026-11-26 11:45")]
    assert told(plan.rungs(siesta, booked("2026-11-26 16:00"))) == [("2h", "2026-11-26 14:00")]
    never = house(quiet=None, ladder=(step("2h"),))
    assert told(plan.rungs(never, booked("2026-11-26 07:00"))) == [("2h", "2026-11-26 05:00")]


def test_on_closing_days_nobody_is_written_to_unless_the_house_says_so() -> None:
    slot = booked("2026-12-28 10:00")
    assert told(plan.rungs(house(), slot)) == [
        ("3d", "2026-12-23 20:45"),
        ("1d", "2026-12-27 10:00"),
        ("2h", "2026-12-28 08:00"),
    ]
    open_house = house(on_closing_days=True)
    assert told(plan.rungs(open_house, slot))[0] == ("3d", "2026-12-25 10:00")


def test_steps_that_coincide_after_moving_become_one_the_nearest_to_the_slot() -> None:
    # The day before is a closing day: one day before and two hours before both fall to its eve.
    slot = booked("2026-12-27 08:30")
    assert told(plan.rungs(house(ladder=(step("1d"), step("2h"))), slot)) == [("2h", "2026-12-23 20:45")]
    assert told(plan.rungs(house(ladder=(step("3d"), step("2d"), step("1d"))), slot)) == [
        ("1d", "2026-12-23 20:45")
    ]


def test_a_merged_step_leaves_the_one_before_of_use_until_then() -> None:
    slot = booked("2026-12-27 08:30")
    found = plan.rungs(house(ladder=(step("5d"), step("1d"), step("2h"))), slot)
    assert told(found) == [("5d", "2026-12-22 08:30"), ("2h", "2026-12-23 20:45")]
    assert local(found[0].until) == "2026-12-23 20:45"


@pytest.mark.parametrize(
    ("on", "steps"),
    [
        ("2026-11-20 10:00", ["3d", "1d", "2h"]),
        ("2026-11-23 10:39", ["3d", "1d", "2h"]),
        ("2026-11-23 10:40", ["1d", "2h"]),
        ("2026-11-25 11:00", ["2h"]),
        ("2026-11-26 08:40", []),
        ("2026-11-26 10:00", []),
    ],
)
def test_none_for_an_appointment_made_later_than_the_step(on: str, steps: list[str]) -> None:
    found = plan.rungs(house(), booked("2026-11-26 10:40", on))
    assert [rung.step for rung in found] == steps


def test_a_moved_appointment_counts_from_its_move() -> None:
    moved = booked("2026-11-26 10:40", rebooked_at=at("2026-11-25 09:00"), was_at=at("2026-11-27 10:00"))
    assert [rung.step for rung in plan.rungs(house(), moved)] == ["1d", "2h"]


@pytest.mark.parametrize("state", [Booking.CANCELLED, Booking.REPORTED, Booking.NEVER])
def test_nobody_is_reminded_of_what_is_over(state: Booking) -> None:
    assert plan.rungs(house(), booked("2026-11-26 10:40", state=state)) == ()


def test_a_service_may_have_its_own_ladder_or_none() -> None:
    plain = house()
    own = replace(plain.services["a"], ladder=(step("7d"), step("45min")))
    assert told(plan.rungs(replace(plain, services={"a": own}), booked("2026-11-26 10:40"))) == [
        ("7d", "2026-11-19 10:40"),
        ("45min", "2026-11-26 09:55"),
    ]
    assert (
        plan.rungs(replace(plain, services={"a": replace(own, ladder=())}), booked("2026-11-26 10:40")) == ()
    )


def rows_of(found: tuple[plan.Rung, ...], slot: int, **more: object) -> list[plan.Planned]:
    fields: dict[str, object] = {"rank": 0, "attempt": 0, "withdrawn": False, **more}
    return [
        plan.Planned(
            id=plan.delivery_id("x", rung.step, slot),
            step=rung.step,
            slot_at=slot,
            due_at=rung.due_at,
            until=rung.until,
            **fields,  # type: ignore[arg-type]
        )
        for rung in found
    ]


def test_what_is_planned_already_is_not_planned_again() -> None:
    slot = booked("2026-11-26 10:40")
    known = rows_of(plan.rungs(house(), slot), slot.at)
    assert plan.revise(house(), slot, known) == []
    assert plan.revise(house(), replace(slot, state=Booking.CONFIRMED), known) == []


def test_moving_withdraws_what_was_planned_and_plans_for_the_new_slot() -> None:
    before = booked("2026-11-26 10:40")
    known = rows_of(plan.rungs(house(), before), before.at)
    moved = replace(before, at=at("2026-11-30 09:00"), was_at=before.at, rebooked_at=at("2026-11-20 09:00"))
    changes = plan.revise(house(), moved, known)
    assert [change.reason for change in changes if isinstance(change, plan.Withdraw)] == ["moved"] * 3
    assert [local(change.rung.due_at) for change in changes if isinstance(change, plan.Put)] == [
        "2026-11-27 09:00",
        "2026-11-29 09:00",
        "2026-11-29 20:45",
    ]


def test_moving_back_plans_what_was_withdrawn_but_nothing_that_was_sent() -> None:
    slot = booked("2026-11-26 10:40", rebooked_at=at("2026-11-20 09:00"))
    known = rows_of(plan.rungs(house(), slot), slot.at, withdrawn=True)
    sent = replace(known[0], withdrawn=False, attempt=1)
    changes = plan.revise(house(), slot, [sent, *known[1:]])
    assert [change.id for change in changes] == [row.id for row in known[1:]]


@pytest.mark.parametrize("state", [Booking.CANCELLED, Booking.REPORTED])
def test_cancelling_and_coming_withdraw_everything(state: Booking) -> None:
    slot = booked("2026-11-26 10:40")
    known = rows_of(plan.rungs(house(), slot), slot.at)
    changes = plan.revise(house(), replace(slot, state=state), known)
    assert [(change.id, getattr(change, "reason", "")) for change in changes] == [
        (row.id, state.value) for row in known
    ]


def test_a_new_ladder_moves_what_is_planned_and_writes_to_nobody_at_once() -> None:
    slot = booked("2026-11-26 10:40")
    known = rows_of(plan.rungs(house(), slot), slot.at)
    longer = house(ladder=(step("7d"), step("1d"), step("3h")))
    changes = plan.revise(longer, slot, known, since=at("2026-11-20 09:00"))
    assert [change for change in changes if isinstance(change, plan.Withdraw)] == [
        plan.Withdraw(known[0].id, "ladder"),
        plan.Withdraw(known[2].id, "ladder"),
    ]
    put = [change.rung.step for change in changes if isinstance(change, plan.Put)]
    assert put == ["1d", "3h"], "7 days before has passed when the ladder changed; 1d is of use until 3h now"


def test_one_name_a_delivery_whoever_makes_it() -> None:
    names = {
        plan.delivery_id(subject, name, slot, rank)
        for subject in ("x", "y")
        for name in ("3d", "1d")
        for slot in (1, 2)
        for rank in (0, 1)
    }
    assert len(names) == 16
    assert all(len(name) == 26 and name.isalnum() for name in names)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-26 10:00", "2026-11-26 10:00"),
        ("2026-11-26 21:00", "2026-11-27 08:00"),
        ("2026-11-27 03:00", "2026-11-27 08:00"),
        ("2026-11-27 08:00", "2026-11-27 08:00"),
        ("2026-12-24 11:00", "2026-12-27 08:00"),
    ],
)
def test_what_is_late_waits_until_people_may_be_written_to(moment: str, until: str) -> None:
    assert local(plan.quiet_until(house(), at(moment))) == until


def test_the_policy_is_another_where_the_plan_would_be() -> None:
    plain = house()
    same = house(languages=Languages.OFFICIAL, city="Elsewhere")
    others = [house(ladder=()), house(quiet=None), house(on_closing_days=True)]
    assert plan.policy(same) == plan.policy(plain)
    assert len({plan.policy(each) for each in (plain, *others)}) == 4
