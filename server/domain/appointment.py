"""An appointment: a booked slot for a service, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Booking(StrEnum):
    """Where an appointment is on its way."""

    BOOKED = "booked"
    CONFIRMED = "confirmed"
    REPORTED = "reported"
    CANCELLED = "cancelled"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A booked slot: ``at`` is the slot, ``late_s`` the lateness announced beforehand, in seconds.

    ``was_at`` and ``rebooked_at`` tell of the last move to another slot; ``visit`` is what it became
    when the citizen reported; ``came`` that a counter saw a person who never reported. ``call_back_at`` is
    since when they wish to be called back.
    """

    id: str
    service: str
    at: int
    booked_at: int
    state: Booking = Booking.BOOKED
    late_s: int | None = None
    language: str | None = None
    persons: int = 1
    rebooked_at: int | None = None
    was_at: int | None = None
    cancelled_at: int | None = None
    cancelled_by: str | None = None
    visit: str | None = None
    came: bool = False
    call_back_at: int | None = None
