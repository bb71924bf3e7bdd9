"""The citizen's own view: where my turn is, and where to go."""

from __future__ import annotations

from displays.day import DayModel, maybe
from displays.views import TicketView
from server.domain.day import Status, Visit


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
