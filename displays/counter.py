"""A counter panel's view: who is here, who is next and why, what may be taken back."""

from __future__ import annotations

from collections.abc import Collection

from displays.appointment import AHEAD
from displays.day import QUEUE_SHOWN, DayModel, maybe
from displays.views import AtCounter, ComingLater, CounterView, ParkedTicket, UndoOffer
from server.domain.commands import Undo
from server.domain.day import CounterState
from server.domain.hall import decide, late_limit_s
from server.domain.refusal import Refused
from server.domain.schedule import SECOND, iso


def panel(model: DayModel, counter: str) -> CounterView:
    """The view of one counter of the house. Raises ``KeyError`` where there is none of that name."""
    house, day = model.house, model.day
    plan, state = house.counters[counter], day.counter(counter)
    queue = model.queue(counter)
    return CounterView(
        counter=counter,
        mode=state.mode.value,
        since=maybe(state.since or None),
        staff=state.staff,
        current=_current(model, state),
        waiting=queue.waiting,
        queue=queue.first,
        away=_away(model, counter),
        later=_later(model, plan.services),
        undo=_undo(model, state),
        services=[service for service in model.offered if service.id in plan.services],
        elsewhere=[service for service in model.offered if service.id not in plan.services],
        counters=[other for other in model.counter_modes if other.counter != counter],
        house=model.house_now,
    )


def _current(model: DayModel, state: CounterState) -> AtCounter | None:
    visit = model.day.visits.get(state.visit or "")
    if visit is None:
        return None
    call = model.calls.get(visit.id)
    return AtCounter(
        ticket=visit.ticket,
        visit=visit.id,
        service=visit.service,
        status=visit.status.value,
        rule=visit.rule or "",
        overtook=list(visit.overtook),
        called_at=iso(call.at if call else visit.called_at or 0),
        started_at=maybe(visit.started_at),
        recalls=visit.recalls,
        no_show_after=max(0, model.house.recalls_before_no_show - visit.recalls),
        slot_at=maybe(visit.slot_at),
        reported_at=iso(visit.reported_at),
        then=list(visit.then),
        persons=visit.persons,
        language=visit.language,
        accompanied=visit.accompanied,
        priority=visit.priority,
        bound=visit.staff is not None,
    )


def _away(model: DayModel, counter: str) -> list[ParkedTicket]:
    """Who is away from this counter, or was called here in vain: newest first."""
    return [
        ParkedTicket(ticket=visit.ticket, service=visit.service, status=visit.status.value, since=iso(since))
        for since, visit in model.away.get(counter, [])[:QUEUE_SHOWN]
    ]


def _later(model: DayModel, services: Collection[str]) -> list[ComingLater]:
    """Who said that they come later, and keep their place until then: nobody waits for them meanwhile."""
    found = []
    for known in model.day.appointments.values():
        if known.late_s is None or known.state not in AHEAD or known.service not in services:
            continue
        keeps_until = known.at + late_limit_s(model.house, known) * SECOND
        expected_at = known.at + known.late_s * SECOND
        # Past both, they are as late as anybody.
        if model.now <= max(keeps_until, expected_at):
            found.append((expected_at, known, keeps_until))
    found.sort(key=lambda one: (one[0], one[1].id))
    return [
        ComingLater(
            appointment=known.id,
            service=known.service,
            at=iso(known.at),
            late_s=known.late_s or 0,
            expected_at=iso(expected_at),
            keeps_until=iso(keeps_until),
        )
        for expected_at, known, keeps_until in found[:QUEUE_SHOWN]
    ]


def _undo(model: DayModel, state: CounterState) -> UndoOffer | None:
    """The last event, while the rules of the hall let it be taken back: a button must not promise more."""
    last = state.last
    if last is None:
        return None
    try:
        decide(model.house, model.day, Undo(counter=state.id), model.now)
    except Refused:
        return None
    return UndoOffer(kind=last.kind, until=iso(last.at + model.house.undo_s * SECOND))
