"""The live house as a forecast sees it: a day of the domain as a scene, and the questions to it.

Plain values in and out: the same for the running house and for its journal, from which is learned.
"""

from __future__ import annotations

from server.domain.appointment import Booking
from server.domain.calling import Rule, Standing, may_serve
from server.domain.day import CounterMode, CounterState, Day, Visit
from server.domain.house import CounterPlan, House
from server.domain.schedule import SECOND, to_datetime
from server.forecasting.scene import Coming, Counter, Question, Scene, Waiting

COMES = 0.84
"""The chance that somebody comes to an appointment, where the house has no history: 16 in 100 of the city's
are late or do not come."""

AHEAD_US = 3600 * SECOND
"""Appointments further ahead do not matter yet."""

DUE = frozenset({Rule.AGAIN, Rule.PRIORITY, Rule.APPOINTMENT})
"""The rules that stand before people without an appointment."""


def waits_since(visit: Visit) -> int:
    """When this wait began: the slot for who is early, a return or transfer for who comes again."""
    return max(visit.wait_from, visit.waits_since)


def scene(house: House, day: Day, places: list[Standing], now: int, comes: float) -> Scene:
    """The hall at ``now``, with everybody who waits in the order of the rules (``calling.standings``).

    Who is early does not stand in it: until the slot everybody goes before, so it is an appointment that
    is sure to come. ``comes`` is the chance that the others come.
    """
    queue = standing(places)
    sure = tuple(
        Coming(place.visit.service, place.visit.slot_at)
        for place in places
        if place.rule is Rule.EARLY and place.visit.slot_at is not None
    )
    booked = tuple(
        Coming(known.service, known.due_at, comes)
        for known in day.appointments.values()
        if known.state in (Booking.BOOKED, Booking.CONFIRMED)
        and now - _grace_us(house, known.service) <= known.due_at <= now + AHEAD_US
    )
    offset = to_datetime(now, house.calendar.zone).utcoffset()
    return Scene(
        now,
        tuple(Waiting(place.visit.service, waits_since(place.visit)) for place in queue),
        tuple(
            _counter(day, plan, state, queue)
            for plan in house.counters.values()
            if (state := day.counter(plan.id)).mode is CounterMode.OPEN
        ),
        sure + booked,
        0 if offset is None else int(offset.total_seconds()),
    )


def standing(places: list[Standing]) -> list[Standing]:
    """Who waits in a scene: all but those who are early."""
    return [place for place in places if place.rule is not Rule.EARLY]


def due(places: list[Standing]) -> int:
    """How many stand before everybody without an appointment."""
    return sum(place.rule in DUE for place in places)


def comer(hall: Scene, service: str, ahead: int) -> Question:
    """The question of who would come in now for a service, with so many of the scene's people ahead."""
    return Question(hall, service, ahead)


def _counter(day: Day, plan: CounterPlan, state: CounterState, queue: list[Standing]) -> Counter:
    """A counter on duty. It helps with express tickets while nobody waits for its own work (rule 6)."""
    visit = day.visits.get(state.visit or "")
    helps = plan.overflow and not any(may_serve(plan, state, place.visit) for place in queue)
    services = plan.services | plan.overflow if helps else plan.services
    if visit is None:
        return Counter(plan.id, None, max(state.since, state.last.at if state.last else 0), services)
    return Counter(plan.id, visit.service, visit.called_at or state.since, services)


def _grace_us(house: House, service: str) -> int:
    known = house.services.get(service)
    return 0 if known is None else known.grace_s * SECOND
