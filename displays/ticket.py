"""The citizen's own view: where my turn is, and where to go."""

from __future__ import annotations

from displays.day import DayModel, maybe
from displays.views import TicketView
from server.domain.day import Status, Visit

HERE = frozenset({Status.CALLED, Status.SERVING})
"""The states in which a citizen has a counter to be at."""


def page(model: DayModel, visit: Visit) -> TicketView:
    """What may be seen behind a visit's secret link."""
    service = model.house.services.get(visit.service)
    here = visit.status in HERE
    wait = model.expected.visits.get(visit.id)
    call = model.calls.get(visit.id) if here else None
    return TicketView(
        ticket=visit.ticket,
        status=visit.status.value,
        service=None if service is None or service.discreet else service.name,
        ahead=model.ahead.get(visit.id),
        low_s=wait.low_s if wait else None,
        high_s=wait.high_s if wait else None,
        counter=visit.counter if here else None,
        call=call.id if call else None,
        called_at=maybe(call.at) if call else None,
        house=model.house_now,
    )


def changed(before: DayModel, model: DayModel) -> set[str]:
    """The visits whose page may differ between two models; the page of every other is the same in both.

    After most commands that is a small part of the house, and finding it costs far less than all pages.
    """
    known, visits = before.day.visits, model.day.visits
    if before.house is not model.house or before.house_now != model.house_now:
        return {*known, *visits}
    found = {name for name, visit in visits.items() if known.get(name) is not visit}
    found.update(known.keys() - visits.keys())
    found.update(name for name, _ahead in before.ahead.items() ^ model.ahead.items())
    found.update(name for name, _wait in before.expected.visits.items() ^ model.expected.visits.items())
    # The day forgets its oldest calls, also those of people who still sit at a counter.
    calls = before.calls, model.calls
    found.update(name for name in {*calls[0], *calls[1]} if calls[0].get(name) is not calls[1].get(name))
    return found
