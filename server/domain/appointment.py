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


class BookedBy(StrEnum):
    """How an appointment was booked. None is ever taken out: the journal knows it for good."""

    ONLINE = "online"
    """By the citizen, on a page or in an app."""
    PHONE = "phone"
    MAIL = "mail"
    """By letter or e-mail."""
    DESK = "desk"
    """In person, at reception or a counter."""
    STAFF = "staff"
    """By the city of its own accord, such as a next appointment."""
    PARTNER = "partner"
    """By another organisation."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A booked slot: ``at`` is the slot, ``late_s`` the lateness announced beforehand, in seconds.

    ``was_at`` and ``rebooked_at`` tell of the last move to another slot; ``visit`` is what it became
    when the citizen reported; ``came`` that a counter saw a person who never reported.
    ``told_at`` is the later time that the house named, running late: the citizen's lateness counts from it.
    ``call_back_at`` is since when they wish to be called back. ``channel`` is how it was booked, where known.
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
    told_at: int | None = None
    call_back_at: int | None = None
    channel: BookedBy | None = None

    @property
    def due_at(self) -> int:
        """From when on the citizen is late: the slot, or the later time that the house named."""
        return self.at if self.told_at is None else max(self.at, self.told_at)
