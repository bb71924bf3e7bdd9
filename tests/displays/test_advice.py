"""Which counter to open now, and why, on days small enough to work out by hand.

Counters: 1 has onthaal and snel, 2 burger, 3 burger and gesprek. Limits of a wait: 600 s for snel, 1200 s
for the others; 300 s for who came to an appointment in time.
"""

from __future__ import annotations

from typing import Any

from domain.days import appointment, utc

from server.domain import commands as co

HALF_PAST = "2026-11-26T07:30:00.000Z"


def advised(day: Any) -> list[tuple[str, str, str, int, str]]:
    advice = day.reception()["advice"]
    assert advice == day.management()["advice"]
    return [(one["counter"], one["mode"], one["service"], one["late"], one["cause"]) for one in advice]


def test_nobody_waits_and_nothing_is_said(day: Any) -> None:
    assert advised(day) == []
    day.opened("1").walk_in("snel")
    assert advised(day) == []


def test_people_wait_for_what_nobody_serves(day: Any) -> None:
    day.walk_in("gesprek")
    assert day.reception()["advice"] == [
        {
            "kind": "open-counter",
            "counter": "3",
            "mode": "closed",
            "service": "gesprek",
            "waiting": 1,
            "late": 1,
            "cause": "no-counter",
            "since": HALF_PAST,
            "limit_s": 1200,
        }
    ]
    day.opened("3")
    assert advised(day) == []


def test_a_wait_past_its_limit(day: Any) -> None:
    day.opened("2")
    day.walk_in("burger")
    assert advised(day.later(1200)) == []
    assert advised(day.later(0.001)) == [("3", "closed", "burger", 1, "wait")]
    before = day.reception()["advice"]
    assert before[0]["since"] == HALF_PAST
    # It is the same advice as long as nothing happens.
    assert day.later(61).reception()["advice"] == before
    day.next("2")
    assert advised(day) == []


def test_a_wait_that_will_pass_its_limit(day: Any) -> None:
    day.opened("2")
    for _ in range(3):
        day.walk_in("burger")
    day.next("2")
    # The first is served for 45 + 600 s, the second as long: the last is expected after 1290 s.
    assert advised(day) == [("3", "closed", "burger", 1, "expected")]
    day.do(co.Leave(visit="B003"))
    assert advised(day) == []


def test_an_appointment_is_to_be_called_within_its_grace(told: Any) -> None:
    slot = utc("2026-11-26 07:31")
    day = told(appointment("b1", "burger", slot), appointment("late", "burger", utc("2026-11-26 07:20")))
    day.opened("2")
    day.walk_in("burger")
    day.next("2")
    day.report("late")  # ten minutes late: waits as who came without an appointment, 1200 s
    assert day.reception()["advice"] == []
    day.report("b1")
    # Counter 2 is free at 07:40:45, nearly ten minutes after the slot.
    (advice,) = day.reception()["advice"]
    assert (advice["late"], advice["waiting"], advice["cause"]) == (1, 2, "expected")
    assert (advice["since"], advice["limit_s"]) == ("2026-11-26T07:31:00.000Z", 300)


def test_who_comes_early_is_not_late_yet(told: Any) -> None:
    day = told(appointment("b1", "burger", utc("2026-11-26 09:00")))
    day.report("b1")
    assert day.reception()["advice"] == []


def test_where_somebody_sits_already_comes_first_among_equals(day: Any) -> None:
    day.opened("2", "3").do(co.PauseCounter(counter="3"))
    day.do(co.CloseCounter(counter="2"))
    day.walk_in("burger")
    assert advised(day) == [("3", "paused", "burger", 1, "no-counter")]


def test_the_counter_that_helps_most_and_one_more(day: Any) -> None:
    day.walk_in("snel")
    day.walk_in("burger")
    day.walk_in("gesprek")
    # Counter 3 serves two of them; counter 2 would serve nobody that 3 does not.
    assert advised(day) == [
        ("3", "closed", "burger", 1, "no-counter"),
        ("1", "closed", "snel", 1, "no-counter"),
    ]


def test_where_every_counter_is_open_there_is_nothing_to_advise(day: Any) -> None:
    day.opened("1", "2", "3")
    for _ in range(9):
        day.walk_in("burger")
    assert advised(day.later(1300)) == []


def test_a_closed_house_opens_no_counter(day: Any) -> None:
    day.opened("2")
    day.walk_in("burger")
    assert advised(day.at(utc("2026-11-26 11:59"))) != []
    assert advised(day.at(utc("2026-11-26 12:00"))) == []  # 13:00 in Mechelen, until 14:30
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    assert advised(day) == []
