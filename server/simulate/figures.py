"""A day's figures, read from the journal as anyone with a supervisor's token can.

An own small tally, on purpose: it shares no code with what the server shows, and none with the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from server.domain.schedule import SECOND
from server.simulate.housetime import instant

GRACE_S = 300


@dataclass(frozen=True, slots=True)
class Waits:
    """Waits in seconds of so many people, from the later of slot and report to the first call."""

    people: int
    mean_s: float
    p50_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class Failing:
    """How many of so many appointments that were not cancelled were late or missed."""

    failed: int
    of: int

    @property
    def share(self) -> float:
        """The share of them."""
        return self.failed / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """A day at the house. Shares of ``appointments``, those that were not cancelled.

    ``reminded`` are those of them whom a reminder had reached in time, ``unreminded`` the others.
    """

    date: str
    visits: int
    by_appointment: int
    served: int
    left: int
    not_present: int
    in_house: int
    calls: int
    appointments: int
    cancelled: int
    late: int
    never: int
    reminded: Failing
    unreminded: Failing
    with_appointment: Waits
    without: Waits

    @property
    def by_appointment_share(self) -> float:
        """Share of the visits that came by appointment."""
        return self.by_appointment / self.visits if self.visits else 0.0

    @property
    def late_or_missed(self) -> float:
        """Share of the appointments whose people reported later than the grace, or never."""
        return (self.late + self.never) / self.appointments if self.appointments else 0.0


@dataclass(slots=True)
class _Visit:
    slot_at: int | None
    reported_at: int
    called_at: int | None = None
    state: str = "waiting"


@dataclass(slots=True)
class _Tally:
    date: str
    begins_at: int
    until: int
    slots: dict[str, int] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    reported: dict[str, str] = field(default_factory=dict)
    visits: dict[str, _Visit] = field(default_factory=dict)
    before: dict[str, tuple[_Visit, str, int | None, bool]] = field(default_factory=dict)
    calls: int = 0


_BECOMES = {
    "called": "called",
    "recalled": "called",
    "service-started": "serving",
    "not-present": "not-present",
    "parked": "parked",
    "transferred": "waiting",
    "visit-returned": "waiting",
    "visit-left": "left",
}
_ACTS = frozenset(_BECOMES) | {"service-finished"}


def figures(entries: Iterable[dict[str, Any]], reminded: Collection[str] = frozenset()) -> DayFigures | None:
    """The figures of the newest day in these entries of the journal; None where no day opens in them.

    ``reminded`` has the ids of the appointments whose people a reminder reached in time.
    """
    tally: _Tally | None = None
    for entry in entries:
        if entry["kind"] == "day-opened":
            tally = _Tally(
                date=entry["date"], begins_at=_moment(entry["begins_at"]), until=_moment(entry["until"])
            )
            tally.slots = {booked["id"]: _moment(booked["at"]) for booked in entry["appointments"]}
            tally.cancelled = {
                booked["id"] for booked in entry["appointments"] if booked["state"] == "cancelled"
            }
        elif tally is not None:
            _count(tally, entry)
    return None if tally is None else _sum(tally, reminded)


def _count(tally: _Tally, entry: dict[str, Any]) -> None:
    kind, at = entry["kind"], instant(entry["at"])
    if kind in ("appointment-booked", "appointment-rebooked"):
        booked, slot = entry["appointment"], _moment(entry["appointment"]["at"])
        tally.cancelled.discard(booked["id"])
        if tally.begins_at <= slot < tally.until:
            tally.slots[booked["id"]] = slot
        else:
            tally.slots.pop(booked["id"], None)
    elif kind == "appointment-cancelled":
        tally.cancelled.add(entry["appointment"])
    elif kind == "visit-reported":
        slot_at = entry["slot_at"]
        tally.visits[entry["visit"]] = _Visit(None if slot_at is None else _moment(slot_at), at)
        if entry["appointment"] is not None:
            tally.reported[entry["appointment"]] = entry["visit"]
    elif kind == "undone" or (kind in _ACTS and "visit" not in entry):
        _take_back(tally, entry["counter"])
    elif kind in _ACTS:
        visit = tally.visits[entry["visit"]]
        rings = kind in ("called", "recalled")
        if "counter" in entry:
            tally.before[entry["counter"]] = (visit, visit.state, visit.called_at, rings)
        if kind == "called" and visit.called_at is None:
            visit.called_at = at
        tally.calls += rings
        goes_on = kind == "service-finished" and entry["goes_on"] is not None
        visit.state = "waiting" if goes_on else _BECOMES.get(kind, "served")
    elif "counter" in entry:
        # Opened, paused, closed: undoing that concerns no visit.
        tally.before.pop(entry["counter"], None)


def _take_back(tally: _Tally, counter: str) -> None:
    """An undone act of a counter is absent from the figures."""
    if counter in tally.before:
        visit, state, called_at, rang = tally.before.pop(counter)
        visit.state, visit.called_at = state, called_at
        tally.calls -= rang


def _sum(tally: _Tally, reminded: Collection[str]) -> DayFigures:
    visits = list(tally.visits.values())
    standing = {key: slot for key, slot in tally.slots.items() if key not in tally.cancelled}
    late = {
        key
        for key, slot in standing.items()
        if key in tally.reported and tally.visits[tally.reported[key]].reported_at - slot > GRACE_S * SECOND
    }
    never = standing.keys() - tally.reported.keys()
    failed, had_one = late | never, standing.keys() & set(reminded)

    def state(*names: str) -> int:
        return sum(visit.state in names for visit in visits)

    return DayFigures(
        date=tally.date,
        visits=len(visits),
        by_appointment=sum(visit.slot_at is not None for visit in visits),
        served=state("served"),
        left=state("left"),
        not_present=state("not-present"),
        in_house=state("waiting", "called", "serving", "parked"),
        calls=tally.calls,
        appointments=len(standing),
        cancelled=len(tally.cancelled & tally.slots.keys()),
        late=len(late),
        never=len(never),
        reminded=Failing(len(failed & had_one), len(had_one)),
        unreminded=Failing(len(failed - had_one), len(standing) - len(had_one)),
        with_appointment=_waits(visit for visit in visits if visit.slot_at is not None),
        without=_waits(visit for visit in visits if visit.slot_at is None),
    )


def _waits(visits: Iterable[_Visit]) -> Waits:
    waits = sorted(
        max(0.0, (visit.called_at - max(visit.reported_at, visit.slot_at or 0)) / SECOND)
        for visit in visits
        if visit.called_at is not None
    )
    if not waits:
        return Waits(0, 0.0, 0.0, 0.0)

    def part(share: float) -> float:
        return waits[max(0, ceil(share * len(waits)) - 1)]

    return Waits(len(waits), sum(waits) / len(waits), part(0.5), part(0.9))


def _moment(value: int | str) -> int:
    return instant(value) if isinstance(value, str) else value
