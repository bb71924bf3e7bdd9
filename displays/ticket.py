"""The citizen's own view: where my turn is, and where to go."""

from __future__ import annotations

from displays.day import DayModel, maybe
from displays.views import TicketView
from server.domain.day import OVER, Status, Visit

COARSE_S = 1800
"""A wait that may be longer than this is told in steps of five minutes: nobody knows it better."""
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
        may_rate=visit.status in OVER,
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
