"""What a supervisor sees: what is wrong now, then the numbers; also reception's glance at the hall."""

from __future__ import annotations

from displays import advice
from displays.alerts import alerts
from displays.day import DayModel, maybe
from displays.screens import screens_now
from displays.service_level import service_level
from displays.views import CounterNow, LateAppointment, ManagementView, ServiceNow, TodayFigures
from server.domain.appointment import Appointment, Booking
from server.domain.day import CounterMode, Status
from server.domain.schedule import SECOND, iso

LATE_SHOWN = 20
"""How many of those who are late travel, longest first; ``late_now`` counts them all."""


def overview(model: DayModel) -> ManagementView:
    """The supervisor's view of the site now."""
    late = _late(model)
    return ManagementView(
        alerts=alerts(model),
        today=_today(model, len(late)),
        level=service_level(model),
        late=[_late_line(model, known) for known in late[:LATE_SHOWN]],
        services=services_now(model),
        counters=counters_now(model),
        waiting=[model.queued(place) for place in model.places],
        advice=advice.now(model),
        screens=screens_now(model),
        house=model.house_now,
    )


def services_now(model: DayModel) -> list[ServiceNow]:
    """Each service with its queue."""
    lines = []
    for service in model.house.services.values():
        waiting = model.waiting_by_service.get(service.id, [])
        wait = model.expected.services.get(service.id)
        lines.append(
            ServiceNow(
                id=service.id,
                name=service.name,
                kind=service.kind.value,
                range=service.range,
                walk_ins=service.walk_ins,
                appointments=service.appointments,
                waiting=len(waiting),
                longest_since=maybe(waiting[0].wait_from) if waiting else None,
                open_counters=model.open_by_service[service.id],
                low_s=wait.low_s if wait else None,
                high_s=wait.high_s if wait else None,
                discreet=service.discreet,
            )
        )
    return lines


def counters_now(model: DayModel) -> list[CounterNow]:
    """Each counter and what it does."""
    free = _free_since(model)
    lines = []
    for plan in model.house.counters.values():
        state = model.day.counter(plan.id)
        visit = model.day.visits.get(state.visit or "")
        since = free.get(plan.id) if visit is None else visit.started_at or visit.called_at
        lines.append(
            CounterNow(
                counter=plan.id,
                mode=state.mode.value,
                since=maybe(state.since or None),
                staff=state.staff,
                services=sorted(plan.services),
                ticket=visit.ticket if visit else None,
                status=visit.status.value if visit else None,
                status_since=maybe(since),
            )
        )
    return lines


def _free_since(model: DayModel) -> dict[str, int]:
    """When each open counter opened or let its last visitor go, whichever is later."""
    free = {
        name: state.since
        for name in model.house.counters
        if (state := model.day.counter(name)).mode is CounterMode.OPEN and state.since
    }
    for visit in model.day.visits.values():
        gone = visit.ended_at or visit.parked_at
        if gone and visit.counter in free:
            free[visit.counter] = max(free[visit.counter], gone)
    return free


def _late(model: DayModel) -> list[Appointment]:
    """Who may still come, has not reported, and is past slot and grace: the longest first."""
    if all(end <= model.now for _begin, end in model.day.openings):
        return []
    late = []
    for known in model.day.appointments.values():
        if known.state in (Booking.BOOKED, Booking.CONFIRMED):
            service = model.house.services.get(known.service)
            if known.due_at + (service.grace_s if service else 0) * SECOND < model.now:
                late.append(known)
    return sorted(late, key=lambda known: (known.at, known.id))


def _late_line(model: DayModel, known: Appointment) -> LateAppointment:
    service = model.house.services.get(known.service)
    return LateAppointment(
        appointment=known.id,
        service=None if service is None or service.discreet else service.id,
        at=iso(known.at),
        late_s=known.late_s,
    )


def _today(model: DayModel, late_now: int) -> TodayFigures:
    visits = model.day.visits.values()
    count = dict.fromkeys(Status, 0)
    waits = []
    for visit in visits:
        count[visit.status] += 1
        if visit.first_called_at is not None:
            waits.append(max(0, visit.first_called_at - visit.wait_from) // SECOND)
    waits.sort()
    appointments = model.day.appointments.values()
    return TodayFigures(
        visits=len(visits),
        with_appointment=sum(visit.appointment is not None for visit in visits),
        waiting=count[Status.WAITING],
        served=count[Status.SERVED],
        left=count[Status.LEFT],
        not_present=count[Status.NOT_PRESENT],
        not_served=count[Status.NOT_SERVED],
        booked=sum(known.state is not Booking.CANCELLED for known in appointments),
        late_now=late_now,
        median_wait_s=_rank(waits, 50),
        p90_wait_s=_rank(waits, 90),
    )


def _rank(ordered: list[int], percent: int) -> int | None:
    """Nearest-rank percentile: the smallest value that at least ``percent`` of 100 do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None
