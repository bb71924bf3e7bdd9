"""Numbers: unique for a site and a local day, from 1 each day, past 999, and hiding the discreet."""

from __future__ import annotations

from dataclasses import replace

from domain.days import MINUTE, THURSDAY_HALL, Played, appointment, house_of, utc

from server.domain import commands as co
from server.domain import events as ev
from server.domain.day import Day
from server.domain.fold import evolve
from server.domain.hall import decide

NINE = utc("2026-11-26 08:00")


def opened(*slots):
    booked = tuple(appointment(ref, service, NINE + minutes * MINUTE) for ref, service, minutes in slots)
    return Played(house_of(THURSDAY_HALL), NINE, booked)


def test_services_that_share_a_range_share_its_numbers():
    hall = opened(("a", "wonen", 0))
    drawn = [hall.walk_in(service) for service in ("snel", "onthaal", "burger", "snel")]
    assert [*drawn, hall.report("a")] == ["A001", "A002", "B001", "A003", "B002"]


def test_past_999_a_range_goes_on_with_four_digits():
    hall = opened()
    drawn = [hall.walk_in("snel") for _ in range(1001)]
    assert drawn[0] == "A001"
    assert drawn[998:] == ["A999", "A1000", "A1001"]
    assert len(set(drawn)) == 1001
    assert hall.day.find("A1000").id == "v1000"


def test_numbers_are_never_given_again_whatever_becomes_of_the_ticket():
    hall = opened()
    hall.do(co.OpenCounter(counter="1"))
    for _ in range(3):
        ticket = hall.walk_in("snel")
        hall.do(co.Leave(visit=ticket))
    hall.walk_in("snel")
    hall.call("1")
    hall.finish("1")
    assert hall.walk_in("snel") == "A005"


def test_two_kiosks_at_the_same_moment_draw_two_numbers():
    """Both would draw A001 from the same day; the loser decides again on the newer one."""
    hall = opened()
    (winner,) = decide(hall.house, hall.day, co.WalkIn(visit="one", service="snel"), hall.now)
    (loser,) = decide(hall.house, hall.day, co.WalkIn(visit="other", service="snel"), hall.now)
    assert (winner.number, loser.number) == (1, 1)
    hall.do(co.WalkIn(visit="one", service="snel"))
    (again,) = hall.do(co.WalkIn(visit="other", service="snel"))
    assert again.number == 2


def test_two_kiosks_that_report_one_appointment_give_one_ticket():
    hall = opened(("a", "burger", 0))
    read_before_the_race = hall.day.appointments["a"]
    assert hall.report("a") == "B001"
    assert hall.do(co.Report(known=read_before_the_race, visit="loser")) == ()
    assert list(hall.day.tickets) == ["B001"]


def test_numbers_start_anew_each_local_day():
    hall = opened()
    hall.walk_in("snel")
    hall.at(utc("2026-11-27 08:00")).do(co.OpenDay())
    assert hall.walk_in("snel") == "A001"


def test_numbers_survive_a_restart_because_the_journal_does():
    hall = opened()
    hall.walk_in("snel")
    hall.day = hall.retold()
    assert hall.walk_in("snel") == "A002"


def test_a_discreet_visit_draws_from_the_range_that_most_people_hold_today():
    hall = opened()
    assert hall.walk_in("fjc") == "A001"  # none drawn yet: the range that most services share
    assert [hall.walk_in("burger") for _ in range(2)] == ["B001", "B002"]
    assert hall.walk_in("fjc") == "B003"
    assert "Z" not in hall.day.numbers


def test_a_fold_from_the_days_opening_knows_all_the_numbers():
    """The live fold reads only from the newest day event."""
    hall = opened()
    hall.walk_in("snel")
    hall.at(utc("2026-11-27 08:00")).do(co.OpenDay())
    hall.walk_in("burger")
    start = max(i for i, entry in enumerate(hall.journal) if isinstance(entry.event, ev.DayOpened))
    day = replace(Day(), seq=hall.journal[start].seq - 1)
    for entry in hall.journal[start:]:
        day = evolve(day, entry)
    assert day == hall.day
