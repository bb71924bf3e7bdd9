"""What figures need of one local day, from its journal entries alone: visits, stints and shifts.

Pure. An undo takes the event that it undid out of the entries, so that it leaves no trace in any figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from server.domain import events as ev
from server.domain.day import CounterMode, Status


class End(StrEnum):
    """How a stint ended; ``HERE`` is still under way, ``CLOSED`` was cut off by the end of the day."""

    HERE = "here"
    FINISHED = "finished"
    GOES_ON = "goes-on"
    PARKED = "parked"
    TRANSFERRED = "transferred"
    NOT_PRESENT = "not-present"
    CLOSED = "closed"


@dataclass(slots=True, kw_only=True)
class Passage:
    """A visit as figures see it. ``service`` is what it reported for, ``counter`` who called it first.

    ``ended_at`` is None while it is in the house; a person called in vain who came back is in it again.
    """

    service: str
    range: str
    reported_at: int
    appointment: bool = False
    slot_at: int | None = None
    told_at: int | None = None
    persons: int = 1
    language: str | None = None
    status: Status = Status.WAITING
    counter: str | None = None
    first_called_at: int | None = None
    ended_at: int | None = None


@dataclass(slots=True, kw_only=True)
class Stint:
    """One time of a visit at a counter, from its call to its end; a recall belongs to it.

    ``visit`` is the place of its visit among the day's, ``n`` counts the visit's stints from 1, ``calls`` its
    summonses. ``queued_at`` is when this wait began: the report, a return from parking, or the end of the
    stint before.
    """

    visit: int
    n: int
    service: str
    counter: str
    queued_at: int
    called_at: int
    started_at: int | None = None
    ended_at: int | None = None
    calls: int = 1
    end: End = End.HERE


@dataclass(slots=True, kw_only=True)
class Shift:
    """A counter open, or paused, from ``begin`` to ``end``; ``end`` is None while it is so."""

    counter: str
    mode: CounterMode
    begin: int
    end: int | None = None


@dataclass(slots=True)
class Facts:
    """All that figures need of the local day ``date``, which lasts from ``begins_at`` to ``until``."""

    date: str
    begins_at: int
    until: int
    at: int = 0
    """The newest entry's instant: until then the day is known."""
    ended: bool = False
    visits: list[Passage] = field(default_factory=list)
    stints: list[Stint] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)


def facts(entries: Iterable[ev.Entry]) -> Facts:
    """The facts of the day that these entries begin, in order; entries about appointments may be left out.

    Raises ``ValueError`` where they do not begin with the opening of a day.
    """
    kept = without_undone(entries)
    if not kept or not isinstance(kept[0].event, ev.DayOpened):
        raise ValueError("a day's entries begin with its opening")
    opened = kept[0].event
    day = Facts(opened.date, opened.begins_at, opened.until)
    telling = _Telling(day)
    for entry in kept:
        telling.tell(entry)
    return day


def without_undone(entries: Iterable[ev.Entry]) -> list[ev.Entry]:
    """The entries without undone ones and without the undoing: what counts as having happened."""
    kept: list[ev.Entry | None] = []
    last: dict[str, int] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, ev.Undone):
            # Undo reaches one event back, and nothing can be undone twice.
            kept[last.pop(event.counter)] = None
            continue
        if isinstance(event, ev.CounterEvent):
            last[event.counter] = len(kept)
        kept.append(entry)
    return [entry for entry in kept if entry is not None]


class _Telling:
    """A day's facts as its entries make them."""

    def __init__(self, day: Facts) -> None:
        self._day = day
        self._places: dict[str, int] = {}
        self._queued: dict[str, int] = {}
        self._service: dict[str, str] = {}
        self._count: dict[str, int] = {}
        self._at_counter: dict[str, Stint] = {}
        self._shift: dict[str, Shift] = {}

    def tell(self, entry: ev.Entry) -> None:
        """One more entry."""
        event, at = entry.event, entry.at
        self._day.at = at
        if isinstance(event, ev.VisitReported):
            self._reported(event, at)
        elif isinstance(event, ev.VisitReturned):
            self._visit(event.visit, Status.WAITING)
            self._queued[event.visit] = at
        elif isinstance(event, ev.VisitLeft):
            self._visit(event.visit, Status.LEFT, at)
        elif isinstance(event, ev.CounterOpened | ev.CounterPaused | ev.CounterClosed):
            self._turned(event, at)
        elif isinstance(event, ev.Called):
            self._called(event, at)
        elif isinstance(event, ev.Recalled):
            self._at_counter[event.counter].calls += 1
        elif isinstance(event, ev.ServiceStarted):
            self._at_counter[event.counter].started_at = at
            self._visit(event.visit, Status.SERVING)
        elif isinstance(event, ev.ServiceFinished | ev.NotPresent | ev.Parked | ev.Transferred):
            self._sent_away(event, at)
        elif isinstance(event, ev.DayEnded):
            self._over(at)

    def _passage(self, visit: str) -> Passage:
        return self._day.visits[self._places[visit]]

    def _visit(self, visit: str, status: Status, ended_at: int | None = None) -> None:
        passage = self._passage(visit)
        passage.status, passage.ended_at = status, ended_at

    def _reported(self, event: ev.VisitReported, at: int) -> None:
        self._places[event.visit] = len(self._day.visits)
        self._queued[event.visit], self._service[event.visit] = at, event.service
        self._day.visits.append(
            Passage(
                service=event.service,
                range=event.range,
                reported_at=at,
                appointment=event.appointment is not None,
                slot_at=event.slot_at,
                told_at=event.told_at,
                persons=event.persons,
                language=event.language,
            )
        )

    def _turned(self, event: ev.CounterOpened | ev.CounterPaused | ev.CounterClosed, at: int) -> None:
        before = self._shift.pop(event.counter, None)
        if isinstance(event, ev.CounterClosed):
            if before is not None:
                before.end = at
            return
        mode = CounterMode.OPEN if isinstance(event, ev.CounterOpened) else CounterMode.PAUSED
        if before is not None and before.mode is mode:
            self._shift[event.counter] = before  # another member of staff: the counter stays open
            return
        if before is not None:
            before.end = at
        self._shift[event.counter] = Shift(counter=event.counter, mode=mode, begin=at)
        self._day.shifts.append(self._shift[event.counter])

    def _called(self, event: ev.Called, at: int) -> None:
        passage = self._passage(event.visit)
        if passage.first_called_at is None:
            passage.first_called_at, passage.counter = at, event.counter
        passage.status, passage.ended_at = Status.CALLED, None
        self._count[event.visit] = self._count.get(event.visit, 0) + 1
        stint = Stint(
            visit=self._places[event.visit],
            n=self._count[event.visit],
            service=self._service[event.visit],
            counter=event.counter,
            queued_at=self._queued[event.visit],
            called_at=at,
        )
        self._day.stints.append(stint)
        self._at_counter[event.counter] = stint

    def _sent_away(
        self, event: ev.ServiceFinished | ev.NotPresent | ev.Parked | ev.Transferred, at: int
    ) -> None:
        stint = self._at_counter.pop(event.counter)
        stint.ended_at = at
        if isinstance(event, ev.NotPresent):
            stint.end = End.NOT_PRESENT
            self._visit(event.visit, Status.NOT_PRESENT, at)
        elif isinstance(event, ev.Parked):
            stint.end = End.PARKED
            self._visit(event.visit, Status.PARKED)
        elif isinstance(event, ev.ServiceFinished) and event.goes_on is None:
            stint.end = End.FINISHED
            self._visit(event.visit, Status.SERVED, at)
        else:
            goes_on = isinstance(event, ev.ServiceFinished)
            stint.end = End.GOES_ON if goes_on else End.TRANSFERRED
            to = event.goes_on if isinstance(event, ev.ServiceFinished) else event.to_service
            self._service[event.visit] = to or self._service[event.visit]
            self._queued[event.visit] = at
            self._visit(event.visit, Status.WAITING)

    def _over(self, at: int) -> None:
        """Who is served at the end was served; who waits, is called or parked was not."""
        for passage in self._day.visits:
            if passage.status is Status.SERVING:
                passage.status, passage.ended_at = Status.SERVED, at
            elif passage.status in (Status.WAITING, Status.CALLED, Status.PARKED):
                passage.status, passage.ended_at = Status.NOT_SERVED, at
        for stint in self._at_counter.values():
            stint.end, stint.ended_at = End.CLOSED, at
        for shift in self._shift.values():
            shift.end = at
        self._at_counter, self._shift = {}, {}
        self._day.ended = True
