"""The one read model: what all views of a site share at one moment, worked out once."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from displays.presence import NOBODY, Attendance
from displays.views import HouseNow, OfferedService, OtherCounter, QueuedTicket
from server.domain import forecast, foreseen
from server.domain.alerts import Failing
from server.domain.calling import Standing, has_turn, may_serve, queue, standings
from server.domain.day import Call, CounterMode, Day, Status, Visit
from server.domain.foreseen import Foreseen
from server.domain.house import House
from server.domain.schedule import is_open, iso, takes_tickets

NEVER = 1 << 62
"""The start of who waits for a counter that is not open, in microseconds: after all others."""

QUEUE_SHOWN = 20
"""How much of a counter's queue travels; ``waiting`` tells how long it is."""


def maybe(instant: int | None) -> str | None:
    """An instant as it travels, or null."""
    return None if instant is None else iso(instant)


class ShownQueue(NamedTuple):
    """A counter's own order: how long it is, and the tickets that a panel shows of it."""

    waiting: int
    first: list[QueuedTicket]


class DayModel:
    """A site's day at ``now``; ``speed`` is house seconds per real second. Values are made on demand.

    ``attendance`` tells which screens and panels were heard, ``failing`` which channels carry no messages,
    ``foreseen`` what the learned forecast said last, where there is one.
    """

    def __init__(
        self,
        house: House,
        day: Day,
        now: int,
        speed: float = 1.0,
        attendance: Attendance = NOBODY,
        failing: Sequence[Failing] = (),
        foreseen: Foreseen | None = None,
    ) -> None:
        self.house = house
        self.day = day
        self.now = now
        self.speed = speed
        self.attendance = attendance
        self.failing = failing
        self.foreseen = foreseen
        self._queues: dict[object, ShownQueue] = {}
        self._queued: dict[tuple[str, str], QueuedTicket] = {}

    @cached_property
    def places(self) -> list[Standing]:
        """Everybody who waits, in the order of the rules."""
        return standings(self.house, self.day, self.now)

    @cached_property
    def expected(self) -> forecast.Expected:
        """The ranges of waiting time."""
        return foreseen.expected(self.house, self.day, self.places, self.now, self.foreseen)

    @cached_property
    def ahead(self) -> dict[str, int]:
        """By the id of who waits, how many before it go to a counter that it may go to as well, and sooner.

        Who stands earlier in the order and yet begins later waits for a counter that this one need not use.
        """
        counters = [(plan, self.day.counter(plan.id)) for plan in self.house.counters.values()]
        # Whom a visit may go to hangs on these three alone, and many people share them.
        alike: dict[tuple[str, str | None, str | None], frozenset[str]] = {}
        reach = []
        for place in self.places:
            visit = place.visit
            key = visit.service, visit.to_counter, visit.staff
            if key not in alike:
                able = frozenset(plan.id for plan, state in counters if may_serve(plan, state, visit))
                # Closed counters count only for those who have no open one to go to.
                alike[key] = frozenset(filter(self._is_open, able)) or able
            reach.append(alike[key])
        # Many people wait for the same counters: count by distinct sets, not by pairs of people.
        distinct = set(alike.values())
        rivals = {mine: [other for other in distinct if mine & other] for mine in distinct}
        passed: dict[frozenset[str], list[int]] = {mine: [] for mine in distinct}
        ahead = {}
        for place, mine in zip(self.places, reach, strict=True):
            starts = self.expected.starts.get(place.visit.id, NEVER)
            ahead[place.visit.id] = sum(bisect_right(passed[other], starts) for other in rivals[mine])
            insort(passed[mine], starts)
        return ahead

    def _is_open(self, counter: str) -> bool:
        return self.day.counter(counter).mode is CounterMode.OPEN

    @cached_property
    def waiting_by_service(self) -> dict[str, list[Visit]]:
        """Who waits for each service, by the moment at which the wait began."""
        waiting: dict[str, list[Visit]] = {}
        for place in self.places:
            waiting.setdefault(place.visit.service, []).append(place.visit)
        for visits in waiting.values():
            visits.sort(key=lambda visit: visit.wait_from)
        return waiting

    @cached_property
    def open_by_service(self) -> dict[str, int]:
        """How many open counters offer each service."""
        counts = dict.fromkeys(self.house.services, 0)
        for plan in self.house.counters.values():
            if self._is_open(plan.id):
                for service in plan.services:
                    counts[service] += 1
        return counts

    @cached_property
    def _counters_asked_for(self) -> frozenset[str | None]:
        """The counters that somebody waits for in person."""
        return frozenset(place.visit.to_counter for place in self.places)

    @cached_property
    def _staff_asked_for(self) -> frozenset[str | None]:
        """The members of staff that somebody waits for in person."""
        return frozenset(place.visit.staff for place in self.places)

    def queue(self, counter: str) -> ShownQueue:
        """A counter's own order, as its panel shows it."""
        plan, state = self.house.counters[counter], self.day.counter(counter)
        # Counters that offer the same and are asked for by nobody in person share one order.
        key = (
            plan.services,
            plan.overflow,
            has_turn(self.house, state),
            state.staff if state.staff in self._staff_asked_for else None,
            counter if counter in self._counters_asked_for else None,
        )
        known = self._queues.get(key)
        if known is None:
            order = queue(self.house, self.day, counter, self.now, self.places)
            shown = [self.queued(place) for place in order[:QUEUE_SHOWN]]
            known = self._queues[key] = ShownQueue(len(order), shown)
        return known

    @cached_property
    def calls(self) -> dict[str, Call]:
        """The newest call of each visit, of those that the day still keeps."""
        return {call.visit: call for call in reversed(self.day.calls)}

    @cached_property
    def offered(self) -> list[OfferedService]:
        """Every service by id and name."""
        return [OfferedService(id=service.id, name=service.name) for service in self.house.services.values()]

    @cached_property
    def away(self) -> dict[str | None, list[tuple[int, Visit]]]:
        """Who is away from each counter, or was called there in vain, since when: newest first."""
        away: dict[str | None, list[tuple[int, Visit]]] = {}
        for visit in self.day.visits.values():
            if visit.status in (Status.PARKED, Status.NOT_PRESENT):
                since = visit.parked_at if visit.status is Status.PARKED else visit.ended_at
                away.setdefault(visit.counter, []).append((since or 0, visit))
        for pairs in away.values():
            pairs.sort(key=lambda pair: -pair[0])
        return away

    @cached_property
    def counter_modes(self) -> list[OtherCounter]:
        """Every counter, whether it takes calls, and what it serves."""
        return [
            OtherCounter(counter=name, mode=self.day.counter(name).mode.value, services=sorted(plan.services))
            for name, plan in self.house.counters.items()
        ]

    @cached_property
    def takes_tickets(self) -> bool:
        """Whether a walk-in may draw a ticket now."""
        calendar = self.house.calendar
        return not self.day.ended and takes_tickets(
            self.day.openings, self.now, start_s=calendar.tickets_start_s, stop_s=calendar.tickets_stop_s
        )

    @cached_property
    def house_now(self) -> HouseNow:
        """What every page shows around its own matter."""
        openings = self.day.openings
        state = "open" if is_open(openings, self.now) else "closed"
        if self.day.ended and self.day.date:
            state = "ended"
        edges = [edge for period in openings for edge in period if edge > self.now]
        changes_at = edges[0] if edges else self.house.calendar.next_opening(self.now)
        return HouseNow(
            name=self.house.name,
            time_zone=str(self.house.calendar.zone),
            speed=self.speed,
            date=self.day.date,
            state=state,
            changes_at=maybe(changes_at),
        )

    def queued(self, place: Standing) -> QueuedTicket:
        """A waiting ticket as staff see it."""
        visit = place.visit
        known = self._queued.get((visit.id, place.rule))
        if known is None:
            known = self._queued[visit.id, place.rule] = self._queue_line(place)
        return known

    def _queue_line(self, place: Standing) -> QueuedTicket:
        visit = place.visit
        return QueuedTicket(
            ticket=visit.ticket,
            service=visit.service,
            rule=place.rule.value,
            reported_at=iso(visit.reported_at),
            slot_at=maybe(visit.slot_at),
            priority=visit.priority,
            persons=visit.persons,
            language=visit.language,
            accompanied=visit.accompanied,
            bound=visit.staff is not None,
        )
