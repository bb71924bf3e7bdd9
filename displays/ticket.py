"""The citizen's own view: where my turn is, and where to go."""

from __future__ import annotations

from displays.day import DayModel, maybe
from displays.views import TicketView
from server.domain.day import Status, Visit

COARSE_S = 1800
"""A wait that may be longer than this is told in steps of five minutes: nobody knows it better."""


def page(model: DayModel, visit: Visit) -> TicketView:
    """What may be seen behind a visit's secret link."""
    service = model.house.services.get(visit.service)
    waits = visit.status is Status.WAITING
    here = visit.status in (Status.CALLED, Status.SERVING)
    wait = model.expected.visits.get(visit.id) if waits else None
    call = next((call for call in model.day.calls if call.visit == visit.id), None) if here else None
    return TicketView(
        ticket=visit.ticket,
        status=visit.status.value,
        service=None if service is None or service.discreet else service.name,
        ahead=model.ahead[visit.id] if waits else None,
        low_s=wait.low_s if wait else None,
        high_s=wait.high_s if wait else None,
        counter=visit.counter if here else None,
        call=call.id if call else None,
        called_at=maybe(call.at) if call else None,
        house=model.house_now,
    )


def minutes(low_s: int, high_s: int) -> tuple[int, int]:
    """A range of seconds as it is told: in minutes, rounded outwards, never less than one at the end."""
    step = 60 if high_s <= COARSE_S else 300
    return low_s // step * step // 60, max(1, -(-high_s // step) * step // 60)


def opens_at(model: DayModel) -> int | None:
    """When the doors open (again) today; None while they are open, or if they do not."""
    if model.house_now.state != "closed":
        return None
    return next((begin for begin, _end in model.day.openings if begin > model.now), None)


def outlook(model: DayModel, visit: Visit) -> str:
    """Which sentence tells a citizen what comes next: the visit's status, and of who waits one of
    ``opens``, ``no-counter``, ``accompanied``, ``next``, ``again`` and ``waiting``.
    """
    if visit.status is not Status.WAITING:
        return visit.status.value
    if visit.id not in model.expected.visits:
        return "no-counter" if opens_at(model) is None else "opens"
    if visit.accompanied:
        return "accompanied"
    if model.ahead[visit.id] == 0:
        return "next"
    return "again" if visit.again else "waiting"
