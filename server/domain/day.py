"""The state of one local day at a site: what folding its journal gives.

All values are frozen; ``server.domain.fold.evolve`` makes the next day out of this one and an
entry, sharing what did not change. A day may therefore be kept, compared or thrown away freely.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from server.domain.appointment import Appointment


class Status(StrEnum):
    """Where a visit is on its way through the house."""

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    PARKED = "parked"
    SERVED = "served"
    LEFT = "left"
    NOT_PRESENT = "not-present"
    NOT_SERVED = "not-served"


IN_HOUSE = frozenset({Status.WAITING, Status.CALLED, Status.SERVING, Status.PARKED})
"""The states of a visit that has not ended."""

AWAITED = frozenset({Status.WAITING, Status.PARKED, Status.NOT_PRESENT})
"""The states from which a counter may yet call a visit."""

OVER = frozenset({Status.SERVED, Status.LEFT, Status.NOT_SERVED})
"""The states in which a visit is over: its citizen is asked how it was. Who was called and not seen may
yet be called again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One passage through the house.

    ``range`` and ``number`` make the ticket. ``reported_at`` is its seniority and never changes.
    ``to_counter`` and ``staff`` limit who may call it; ``again`` says it returned from parking or
    was transferred, which puts it before new people. ``counter`` is where it is, or was last.
    ``told_at`` is the later time that the house named for its slot; ``waits_since`` when this wait began,
    which after a transfer or a return is not the first one.
    """

    id: str
    range: str
    number: int
    service: str
    reported_at: int
    status: Status = Status.WAITING
    then: tuple[str, ...] = ()
    appointment: str | None = None
    slot_at: int | None = None
    told_at: int | None = None
    announced_late: bool = False
    priority: bool = False
    language: str | None = None
    persons: int = 1
    again: bool = False
    to_counter: str | None = None
    staff: str | None = None
    accompanied: bool = False
    counter: str | None = None
    rule: str | None = None
    overtook: tuple[str, ...] = ()
    calls: int = 0
    recalls: int = 0
    first_called_at: int | None = None
    called_at: int | None = None
    started_at: int | None = None
    parked_at: int | None = None
    ended_at: int | None = None
    waits_since: int = 0

    @property
    def ticket(self) -> str:
        """The number people see: a letter and three digits, four past 999."""
        return f"{self.range}{self.number:03d}"

    @property
    def wait_from(self) -> int:
        """When the wait begins: at the later of slot and report."""
        return self.reported_at if self.slot_at is None else max(self.reported_at, self.slot_at)


class CounterMode(StrEnum):
    """Whether a counter takes calls."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAct:
    """What undo needs of a counter's last event: how things were before it, and right after it."""

    kind: str
    at: int
    counter_before: CounterState
    visits_before: tuple[Visit, ...]
    visits_after: tuple[Visit, ...]
    calls_before: tuple[Call, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterState:
    """A counter now. ``visit`` is who is called to it or served at it.

    ``calls_since_overdue`` counts its calls since the last that put an overdue walk-in before
    appointments; None while there was none today.
    """

    id: str
    mode: CounterMode = CounterMode.CLOSED
    since: int = 0
    staff: str | None = None
    visit: str | None = None
    calls_since_overdue: int | None = None
    last: LastAct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One summons, as screens show it."""

    id: str
    visit: str
    ticket: str
    counter: str
    at: int
    seq: int


CALLS_KEPT = 100
"""How many of the day's newest calls the state keeps: more than any screen shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A local day at a site, up to and including the entry ``seq``.

    ``date`` is empty before the first day ever. ``calls`` has the newest first.
    """

    seq: int = 0
    at: int = 0
    date: str = ""
    begins_at: int = 0
    until: int = 0
    ends_at: int = 0
    openings: tuple[tuple[int, int], ...] = ()
    ended: bool = True
    appointments: dict[str, Appointment] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    counters: dict[str, CounterState] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()

    def counter(self, counter: str) -> CounterState:
        """The counter's state; a counter that no event names is closed."""
        return self.counters.get(counter) or CounterState(id=counter)

    def covers(self, instant: int) -> bool:
        """Whether an instant lies between this local day's two midnights."""
        return self.begins_at <= instant < self.until

    def find(self, name: str) -> Visit | None:
        """A visit of this day by its id or its ticket."""
        return self.visits.get(name) or self.visits.get(self.tickets.get(name, ""))

    def waiting(self) -> list[Visit]:
        """Who waits, in order of their report."""
        waiting = Status.WAITING  # looked up once: an enum's members are slow to reach
        return [visit for visit in self.visits.values() if visit.status is waiting]
