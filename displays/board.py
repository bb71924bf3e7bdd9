"""The hall screen's view: recent calls, and how many wait."""

from __future__ import annotations

from displays.day import DayModel
from displays.views import HallView, RangeWaiting, ShownCall
from server.domain.day import Status
from server.domain.schedule import SECOND, iso

CALLS_SHOWN = 10
"""More than a screen has rows: what does not fit is left out there, oldest first."""

AT_COUNTER = frozenset({Status.CALLED, Status.SERVING, Status.SERVED})
"""The states in which a visit's last call still stands."""


def hall(model: DayModel) -> HallView:
    """The calls of the last minutes, newest first, one line a ticket, and the waiting ranges.

    Whoever was sent away again (to wait, to fetch something, or gone) is no longer asked to a counter.
    """
    since = model.now - model.house.call_shown_s * SECOND
    calls: dict[str, ShownCall] = {}
    for call in model.day.calls:
        if call.at < since or len(calls) == CALLS_SHOWN:
            break
        if model.day.visits[call.visit].status not in AT_COUNTER:
            continue
        if call.visit not in calls:  # a recall, or a call to another counter, replaces the older line
            calls[call.visit] = ShownCall(
                id=call.id, ticket=call.ticket, counter=call.counter, at=iso(call.at)
            )
    return HallView(
        calls=list(calls.values()),
        waiting=_ranges(model),
        notice=model.house.notice,
        tickets_over=_tickets_over(model),
        house=model.house_now,
    )


def _tickets_over(model: DayModel) -> bool:
    """Whether the doors are open for the last time today and no ticket is given any more."""
    if model.house_now.state != "open" or model.takes_tickets:
        return False
    return all(begin <= model.now for begin, _end in model.day.openings)


def _ranges(model: DayModel) -> list[RangeWaiting]:
    """One line a number range: tickets count by their own letter, so a discreet one hides among them."""
    counts: dict[str, int] = {}
    ranges: dict[str, list[str]] = {}
    for service in model.house.services.values():
        if not service.discreet:
            ranges.setdefault(service.range, []).append(service.id)
    for place in model.places:
        counts[place.visit.range] = counts.get(place.visit.range, 0) + 1
    lines = []
    for letter, services in sorted(ranges.items()):
        expected = [model.expected.services[name] for name in services if name in model.expected.services]
        lines.append(
            RangeWaiting(
                range=letter,
                waiting=counts.get(letter, 0),
                low_s=min((wait.low_s for wait in expected), default=None),
                high_s=max((wait.high_s for wait in expected), default=None),
            )
        )
    return lines
