"""The plan of reminders: which rungs of its ladder an appointment still has, and when. Pure.

A rung lies so many local days or so many elapsed hours before the slot. In quiet hours and on closing
days it moves earlier, never later; rungs that then coincide become one, the nearest to the slot.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from server.domain.appointment import Appointment, Booking
from server.domain.house import House
from server.domain.messages import Step
from server.domain.schedule import SECOND, to_datetime

COINCIDE_S = 3600
"""Rungs that lie no further apart than this say the same twice."""

BEFORE_QUIET_S = 900
"""A rung that moves out of quiet hours goes out this long before they begin: many may do so at once."""

DAYS_BACK = 30
"""Further back than this no rung moves, however long a house is closed: better at night than never."""

AHEAD = frozenset({Booking.BOOKED, Booking.CONFIRMED})


@dataclass(frozen=True, slots=True)
class Rung:
    """A reminder as it is to be sent: due at ``due_at``, of use before ``until`` (house time)."""

    step: str
    due_at: int
    until: int


def rungs(house: House, appointment: Appointment, steps: tuple[Step, ...] | None = None) -> tuple[Rung, ...]:
    """The reminders of an appointment as it now stands, in order; those it was made too late for are not.

    ``steps`` are its own where they are not those of its service.
    """
    if appointment.state not in AHEAD:
        return ()
    known_at = appointment.booked_at if appointment.rebooked_at is None else appointment.rebooked_at
    placed = sorted(
        (earlier(house, nominal(house, appointment.at, step)), order, step)
        for order, step in enumerate(ladder(house, appointment.service) if steps is None else steps)
    )
    found: list[Rung] = []
    until = appointment.at
    for due_at, _, step in reversed(placed):
        if found and until - due_at <= COINCIDE_S * SECOND:
            continue
        found.append(Rung(step.name, due_at, until))
        until = due_at
    return tuple(rung for rung in reversed(found) if rung.due_at > known_at)


def ladder(house: House, service: str) -> tuple[Step, ...]:
    """When people are reminded of a service, furthest from the slot first."""
    known = house.services.get(service)
    own = None if known is None else known.ladder
    return house.messages.ladder if own is None else own


def nominal(house: House, slot_at: int, step: Step) -> int:
    """Where a rung lies before anything moves it.

    Days before keep the wall-clock time of the slot, hours before are elapsed time.
    """
    if not step.days:
        return slot_at - step.seconds * SECOND
    calendar = house.calendar
    local = to_datetime(slot_at, calendar.zone)
    return calendar.at(local.date() - timedelta(days=step.days), local.time())


def earlier(house: House, instant: int) -> int:
    """The last moment not after ``instant`` at which people may be written to."""
    moved = instant
    for _ in range(2 * DAYS_BACK):
        allowed = _before_quiet(house, _before_closing_day(house, moved))
        if allowed == moved:
            return moved
        moved = allowed
    return instant


def _before_closing_day(house: House, instant: int) -> int:
    calendar = house.calendar
    day = calendar.local_date(instant)
    if house.messages.on_closing_days or not calendar.is_holiday(day):
        return instant
    return calendar.midnight_before(day) - BEFORE_QUIET_S * SECOND


def _before_quiet(house: House, instant: int) -> int:
    begins_at = quiet_since(house, instant)
    return instant if begins_at is None else begins_at - BEFORE_QUIET_S * SECOND


def quiet_since(house: House, instant: int) -> int | None:
    """When the quiet hours began in which ``instant`` lies; None outside of them."""
    if house.messages.quiet is None:
        return None
    begin, end = house.messages.quiet
    calendar = house.calendar
    local = to_datetime(instant, calendar.zone)
    wall, day = local.time(), local.date()
    if begin < end:
        return calendar.at(day, begin) if begin <= wall < end else None
    if wall >= begin:
        return calendar.at(day, begin)
    return calendar.at(day - timedelta(days=1), begin) if wall < end else None


def quiet_until(house: House, instant: int) -> int:
    """The first moment not before ``instant`` that lies outside quiet hours and closing days."""
    calendar, messages = house.calendar, house.messages
    moved = instant
    for _ in range(2 * DAYS_BACK):
        if not messages.on_closing_days and calendar.is_holiday(calendar.local_date(moved)):
            moved = calendar.midnight_after(calendar.local_date(moved))
            continue
        if quiet_since(house, moved) is None or messages.quiet is None:
            return moved
        day = calendar.local_date(moved)
        ends_at = calendar.at(day, messages.quiet[1])
        moved = ends_at if ends_at > moved else calendar.at(day + timedelta(days=1), messages.quiet[1])
    return instant


# --- what is to change ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Planned:
    """A reminder that is planned or was: one row of the ledger, of the first channel that was chosen."""

    id: str
    step: str
    slot_at: int
    rank: int
    due_at: int
    until: int
    attempt: int
    withdrawn: bool
    """Taken back before anything was sent."""


@dataclass(frozen=True, slots=True)
class Put:
    """Plan a reminder, or plan it anew at another time."""

    id: str
    rung: Rung


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take back a reminder that is not sent yet."""

    id: str
    reason: str


def revise(
    house: House,
    appointment: Appointment,
    open_rows: Iterable[Planned],
    since: int = 0,
    steps: tuple[Step, ...] | None = None,
) -> list[Put | Withdraw]:
    """What makes the planned reminders of an appointment agree with how it stands.

    ``open_rows`` are all of its reminders that are planned or withdrawn, and the ones already on their way;
    nothing is planned that would have been due before ``since``: a new ladder writes to nobody at once.
    ``steps`` as in :func:`rungs`.
    """
    wanted = {rung.step: rung for rung in rungs(house, appointment, steps)}
    changes: list[Put | Withdraw] = []
    known: dict[str, Planned] = {}
    for row in open_rows:
        mine = row.slot_at == appointment.at
        if mine and row.rank == 0:
            known[row.step] = row
        if not row.withdrawn and (not mine or row.step not in wanted):
            changes.append(Withdraw(row.id, _reason(appointment, mine)))
    for name, rung in wanted.items():
        held = known.get(name)
        if held is None:
            if rung.due_at > since:
                changes.append(Put(delivery_id(appointment.id, name, appointment.at), rung))
        elif held.withdrawn or (held.attempt == 0 and (held.due_at, held.until) != (rung.due_at, rung.until)):
            changes.append(Put(held.id, rung))
    return changes


def _reason(appointment: Appointment, same_slot: bool) -> str:
    if appointment.state not in AHEAD:
        return appointment.state.value
    return "ladder" if same_slot else "moved"


def delivery_id(subject: str, step: str, slot_at: int = 0, rank: int = 0) -> str:
    """The one name of a delivery, the same whoever plans it and however often: 26 letters and digits.

    Gateways that take an idempotency key get it.
    """
    hashed = hashlib.sha256(f"{subject}\n{step}\n{slot_at}\n{rank}".encode()).digest()
    return base64.b32encode(hashed[:16]).decode().rstrip("=").lower()


def policy(house: House) -> str:
    """What stands for everything that the plan goes by: where it changes, all is planned anew."""
    ladders = {name: service.ladder for name, service in house.services.items()}
    said: tuple[object, ...] = (
        house.messages.ladder,
        house.messages.quiet,
        house.messages.on_closing_days,
        ladders,
    )
    if house.experiment is not None:
        # Sets have no order of their own.
        said += (replace(house.experiment, services=frozenset()), sorted(house.experiment.services))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]
