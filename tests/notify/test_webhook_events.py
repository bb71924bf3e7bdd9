"""What each entry of a journal tells other systems, and what it keeps to itself: by reading a written day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from running import MECHELEN

from notify.webhook_events import TYPES, Happening, Reading
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import Day
from server.settings import load

HOUSE = load(MECHELEN)["mechelen"]
SECOND = 1_000_000
BEGINS = 1_795_388_400 * SECOND  # 2026-11-23 00:00 in Mechelen
SLOT = BEGINS + 10 * 3600 * SECOND


def appointment(name: str, service: str = "bevolking", **more: Any) -> Appointment:
    return Appointment(id=name, service=service, at=SLOT, booked_at=1, **more)


def opened(*appointments: Appointment) -> ev.DayOpened:
    until = BEGINS + 86_400 * SECOND
    return ev.DayOpened(
        date="2026-11-23",
        begins_at=BEGINS,
        until=until,
        ends_at=until,
        openings=(),
        appointments=appointments,
    )


def reported(visit: str, number: int, service: str = "bevolking", **more: Any) -> ev.VisitReported:
    return ev.VisitReported(visit=visit, range="C", number=number, service=service, **more)


def called(visit: str, counter: str = "4") -> ev.Called:
    return ev.Called(counter=counter, visit=visit, call=f"call-{visit}", rule="walk-in", overtook=("C900",))


def told(events: Iterable[ev.Event]) -> list[Happening]:
    """What a journal of these events tells."""
    reading, found = Reading(HOUSE, Day()), []
    for seq, event in enumerate(events, 1):
        reading, happenings = reading.after(
            ev.Entry(seq, SLOT + seq * SECOND, event), {"far": ("bouwen", SLOT + 86_400 * SECOND)}.get
        )
        found += happenings
    assert {happening.body.type for happening in found} <= set(TYPES)
    return found


def lines(events: Iterable[ev.Event]) -> list[tuple[str, str]]:
    return [(happening.body.type, happening.about) for happening in told(events)]


def data(happening: Happening) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(happening.body.data)
    return found


def test_the_end_of_a_day_tells_who_was_not_served_and_who_never_came() -> None:
    day = [
        opened(appointment("never"), appointment("here"), appointment("hidden", "gesprek")),
        reported("v1", 1, appointment="here", slot_at=SLOT),
        reported("v2", 2),
        reported("v3", 3, "gesprek"),
        ev.CounterOpened(counter="4"),
        called("v1"),
        ev.ServiceStarted(counter="4", visit="v1"),
        ev.DayEnded(),
    ]
    assert lines(day)[4:] == [
        ("visit.finished", "v1"),
        ("visit.not_served", "v2"),
        ("appointment.missed", "never"),
    ]


def test_finishing_tells_what_it_was_for_and_what_comes_next() -> None:
    day = [
        opened(),
        reported("v1", 1, then=("attesten",)),
        ev.CounterOpened(counter="4"),
        called("v1"),
        ev.ServiceStarted(counter="4", visit="v1"),
        ev.ServiceFinished(counter="4", visit="v1", goes_on="attesten"),
        called("v1", "1"),
        ev.ServiceStarted(counter="1", visit="v1"),
        ev.Parked(counter="1", visit="v1"),
        ev.VisitReturned(visit="v1"),
    ]
    found = told(day)
    assert [happening.body.type for happening in found] == [
        *("visit.reported", "visit.called", "visit.started", "visit.finished", "visit.called"),
        *("visit.started", "visit.parked", "visit.returned"),
    ]
    common = {"site": "mechelen", "visit": "v1", "ticket": "C001"}
    assert data(found[3]) == common | {"service": "bevolking", "counter": "4", "next_service": "attesten"}
    assert data(found[4]) == common | {"service": "attesten", "counter": "1", "call": "call-v1"}
    assert data(found[7]) == common | {"service": "attesten"}


def test_a_visit_that_was_discreet_once_is_never_told_of_that_day() -> None:
    sent_on = [
        opened(),
        reported("v1", 1, "gesprek"),
        reported("v2", 2, then=("gesprek",)),
        reported("v3", 3),
        ev.CounterOpened(counter="4"),
        called("v1"),
        ev.ServiceStarted(counter="4", visit="v1"),
        ev.Transferred(counter="4", visit="v1", to_service="bevolking"),
        called("v1"),
        ev.Undone(counter="4", undid="called"),
        ev.VisitLeft(visit="v2"),
        called("v3"),
        ev.ServiceStarted(counter="4", visit="v3"),
        ev.Transferred(counter="4", visit="v3", to_service="gesprek"),
        ev.VisitLeft(visit="v3"),
        ev.DayEnded(),
    ]
    assert lines(sent_on) == [("visit.reported", "v3"), ("visit.called", "v3"), ("visit.started", "v3")]


def test_an_appointment_is_told_as_it_stands() -> None:
    moved = appointment("a1", was_at=SLOT - SECOND, rebooked_at=SLOT + 3 * SECOND)
    day = [
        opened(appointment("a1")),
        ev.AppointmentRebooked(appointment=appointment("a1", persons=2)),
        ev.AppointmentRebooked(appointment=moved),
        ev.AppointmentConfirmed(appointment="far"),
        ev.AppointmentCame(appointment="a1"),
        ev.CounterOpened(counter="4"),
        ev.Undone(counter="4", undid="counter-opened"),
        ev.AppointmentRebooked(appointment=appointment("a1", "gesprek")),
        ev.AppointmentCancelled(appointment="a1", by="citizen"),
    ]
    found = told(day)
    assert [(happening.body.type, happening.about) for happening in found] == [
        ("appointment.changed", "a1"),
        ("appointment.moved", "a1"),
        ("appointment.confirmed", "far"),
        ("appointment.came", "a1"),
    ]
    assert "was_slot" not in data(found[0])
    assert data(found[1])["was_slot"] == "2026-11-23T08:59:59.000Z"
    assert data(found[2]) == {
        "site": "mechelen",
        "appointment": "far",
        "service": "bouwen",
        "slot": "2026-11-24T09:00:00.000Z",
    }
