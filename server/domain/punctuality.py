"""Punctuality: how far from the slot the citizen reported, and how far from it the city called.

Two axes, *arrival* and *outcome*, told from raw instants by a versioned policy; the policy may
change, the instants do not. Instants are integer microseconds UTC, durations seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from server.domain.appointment import Booking
from server.domain.day import Status
from server.domain.schedule import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Where the lines are drawn, in seconds from the slot. A changed line is a new ``version``.

    ``early_s``: reported longer before the slot than this is early; exactly this is on time.
    ``grace_s``: reported up to this after the slot, itself included, is within the grace.
    ``cancel_in_time_s``: cancelled at least this long before the slot is in time.
    """

    version: str = "2026-1"
    early_s: int = 900
    grace_s: int = 300
    cancel_in_time_s: int = 86_400


class Arrival(StrEnum):
    """When the citizen reported, seen from the slot."""

    EARLY = "early"
    ON_TIME = "on-time"
    GRACE = "grace"
    LATE = "late"
    NEVER = "never"


class Outcome(StrEnum):
    """What became of the appointment.

    ``LEFT`` is who said so and who was called in vain. ``MISSED`` is who never reported and of whom
    nothing more is known; ``CAME`` who never reported though a counter saw them. ``PENDING`` is
    still to be seen: it is in no figure but its own count.
    """

    SERVED = "served"
    LEFT = "left"
    NOT_SERVED = "not-served"
    CANCELLED_IN_TIME = "cancelled-in-time"
    CANCELLED_TOO_LATE = "cancelled-too-late"
    CANCELLED_BY_CITY = "cancelled-by-city"
    REBOOKED = "rebooked"
    MISSED = "missed"
    CAME = "came"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One slot and what is known of it, raw.

    ``state`` is the appointment's, ``outcome_status`` its visit's where it has one. An appointment
    that moved gives two rows: the slot that was given up, with ``rebooked`` and nothing after it,
    and the slot that it moved to. ``cancelled_by`` is ``citizen`` or ``city``. ``told_at`` is the later time
    that the house named, running late: the citizen is late from then on, the city from the slot on.
    """

    service: str
    slot_at: int
    state: Booking
    reported_at: int | None = None
    first_called_at: int | None = None
    ended_at: int | None = None
    outcome_status: Status | None = None
    cancelled_at: int | None = None
    cancelled_by: str | None = None
    rebooked: bool = False
    came: bool = False
    told_at: int | None = None


def lateness_s(slot_at: int, reported_at: int) -> float:
    """Seconds from the slot to the report: negative is before the slot."""
    return (reported_at - slot_at) / SECOND


def arrival(slot_at: int, reported_at: int | None, policy: Policy, told_at: int | None = None) -> Arrival:
    """When the citizen reported, by the policy's lines; compared in microseconds, never rounded.

    Early is before the slot; late is after it, or after the later time that the house named, ``told_at``.
    """
    if reported_at is None:
        return Arrival.NEVER
    if reported_at - slot_at < -policy.early_s * SECOND:
        return Arrival.EARLY
    late = reported_at - (slot_at if told_at is None else max(slot_at, told_at))
    if late <= 0:
        return Arrival.ON_TIME
    return Arrival.GRACE if late <= policy.grace_s * SECOND else Arrival.LATE


ENDED = {
    Status.SERVED: Outcome.SERVED,
    Status.LEFT: Outcome.LEFT,
    Status.NOT_PRESENT: Outcome.LEFT,
    Status.NOT_SERVED: Outcome.NOT_SERVED,
}
"""What a visit's end makes of its appointment; before that it is still to be seen."""


def outcome(facts: Facts, policy: Policy) -> Outcome:
    """What became of the appointment; what happened in the house goes before what was said before."""
    if facts.rebooked:
        return Outcome.REBOOKED
    if facts.outcome_status is not None:
        return ENDED.get(facts.outcome_status, Outcome.PENDING)
    if facts.state is Booking.CANCELLED:
        if facts.cancelled_by == "city":
            return Outcome.CANCELLED_BY_CITY
        ahead = None if facts.cancelled_at is None else facts.slot_at - facts.cancelled_at
        in_time = ahead is not None and ahead >= policy.cancel_in_time_s * SECOND
        return Outcome.CANCELLED_IN_TIME if in_time else Outcome.CANCELLED_TOO_LATE
    if facts.came:
        return Outcome.CAME
    return Outcome.MISSED if facts.state is Booking.NEVER else Outcome.PENDING


def city_lateness_s(slot_at: int, reported_at: int, called_at: int) -> float:
    """Seconds from the later of slot and report to the first call: negative is called before the slot."""
    return (called_at - max(slot_at, reported_at)) / SECOND


def wait_s(slot_at: int, reported_at: int, called_at: int) -> float:
    """Seconds that an appointment waited, from the later of slot and report; an early call counts 0."""
    return max(0.0, city_lateness_s(slot_at, reported_at, called_at))


def call_minus_slot_s(slot_at: int, called_at: int) -> float:
    """Seconds from the slot to the first call, whoever was late: the raw figure beside the city's."""
    return (called_at - slot_at) / SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Arrival by outcome over some slots, under one policy.

    ``counts`` has every pair that occurs, without pending ones. ``not_present`` is the part of
    ``left`` that was called in vain. The three lists of seconds are sorted, one entry for each
    appointment that reported and was called.
    """

    policy: str
    counts: dict[tuple[Arrival, Outcome], int] = field(default_factory=dict)
    not_present: int = 0
    pending: int = 0
    waits_s: tuple[float, ...] = ()
    city_lateness_s: tuple[float, ...] = ()
    call_minus_slot_s: tuple[float, ...] = ()

    def arrived(self, *arrivals: Arrival) -> int:
        """How many came so, whatever became of them."""
        return sum(count for (arrival, _), count in self.counts.items() if arrival in arrivals)

    def ended(self, *outcomes: Outcome) -> int:
        """How many ended so, however they came."""
        return sum(count for (_, outcome), count in self.counts.items() if outcome in outcomes)

    @property
    def stood(self) -> int:
        """The denominator: slots that somebody was expected at, neither cancelled nor given up."""
        reported = self.arrived(Arrival.EARLY, Arrival.ON_TIME, Arrival.GRACE, Arrival.LATE)
        return reported + self.never_reported

    @property
    def late(self) -> int:
        """Reported later than the grace."""
        return self.arrived(Arrival.LATE)

    @property
    def never_reported(self) -> int:
        """Never reported, those among them whom a counter saw included."""
        return self.ended(Outcome.MISSED, Outcome.CAME)

    @property
    def percent_late_or_missed(self) -> float | None:
        """Late or never reported, per hundred slots that stood; None where none did."""
        return 100 * (self.late + self.never_reported) / self.stood if self.stood else None

    @property
    def percent_missed(self) -> float | None:
        """Never reported, per hundred slots that stood; None where none did."""
        return 100 * self.never_reported / self.stood if self.stood else None


def tabulate(rows: Iterable[Facts], policy: Policy) -> Table:
    """The table of these rows. Rows whose outcome is still open are only counted."""
    counts: Counter[tuple[Arrival, Outcome]] = Counter()
    not_present = pending = 0
    waits: list[float] = []
    city: list[float] = []
    raw: list[float] = []
    for row in rows:
        what = outcome(row, policy)
        if what is Outcome.PENDING:
            pending += 1
            continue
        counts[arrival(row.slot_at, row.reported_at, policy, row.told_at), what] += 1
        not_present += row.outcome_status is Status.NOT_PRESENT
        if row.reported_at is not None and row.first_called_at is not None:
            waits.append(wait_s(row.slot_at, row.reported_at, row.first_called_at))
            city.append(city_lateness_s(row.slot_at, row.reported_at, row.first_called_at))
            raw.append(call_minus_slot_s(row.slot_at, row.first_called_at))
    return Table(
        policy=policy.version,
        counts=dict(counts),
        not_present=not_present,
        pending=pending,
        waits_s=tuple(sorted(waits)),
        city_lateness_s=tuple(sorted(city)),
        call_minus_slot_s=tuple(sorted(raw)),
    )


def by_service(rows: Iterable[Facts], policy: Policy) -> dict[str, Table]:
    """One table for each service that occurs, in order of its id."""
    grouped: dict[str, list[Facts]] = {}
    for row in rows:
        grouped.setdefault(row.service, []).append(row)
    return {service: tabulate(grouped[service], policy) for service in sorted(grouped)}
