"""What can have happened at a site: the kinds of entry in its journal.

Ids only: no name, no number to call, no reason for a priority mark has a field here. Every event
is a frozen value; ``KINDS`` names them as the journal stores them.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.domain.appointment import Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOpened:
    """A local day begins; lists its appointments, so that a fold may start here.

    ``begins_at`` and ``until`` are its two midnights, ``ends_at`` is when it ends by itself.
    """

    date: str
    begins_at: int
    until: int
    ends_at: int
    openings: tuple[tuple[int, int], ...]
    appointments: tuple[Appointment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnded:
    """The day is over: who still waits was not served by closing, counters close."""


# --- appointments -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentBooked:
    """A slot was booked; the appointment as it now is."""

    appointment: Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentRebooked:
    """Slot, service or details of an appointment changed; the appointment as it now is."""

    appointment: Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentConfirmed:
    """The citizen said they will come."""

    appointment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentAnnouncedLate:
    """The citizen said they will be ``late_s`` seconds late."""

    appointment: str
    late_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentDelayed:
    """The house runs late and named a later time, ``to``, to the citizen."""

    appointment: str
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCancelled:
    """The appointment was cancelled; ``by`` is ``citizen`` or ``city``."""

    appointment: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCame:
    """A counter notes that the person did come, though they never reported."""

    appointment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCallBackAsked:
    """The citizen asked to be called back about it."""

    appointment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCalledBack:
    """The citizen was called back."""

    appointment: str


# --- visits -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReported:
    """A citizen is here: a walk-in, or with ``appointment`` and ``slot_at`` one with an appointment.

    ``told_at`` is the later time that the house named for it, if it did.
    """

    visit: str
    range: str
    number: int
    service: str
    then: tuple[str, ...] = ()
    appointment: str | None = None
    slot_at: int | None = None
    told_at: int | None = None
    announced_late: bool = False
    priority: bool = False
    language: str | None = None
    persons: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPrioritised:
    """A visit was marked for priority, or the mark was taken off. The reason is not here."""

    visit: str
    priority: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBound:
    """A visit may be served only by this member of staff; None sets it free."""

    visit: str
    staff: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReturned:
    """Back from parking, or after all here though called in vain."""

    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitLeft:
    """The citizen said that they could not wait any longer."""

    visit: str


# --- counters -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterOpened:
    """Open for calls, with this member of staff if one is named."""

    counter: str
    staff: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterPaused:
    """No further calls for now; a person at the counter stays there."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterClosed:
    """Closed; people who waited for this counter alone may go to any that serves them."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A ticket is called to a counter: ``rule`` chose it, and it passed ``overtook`` (tickets)."""

    counter: str
    visit: str
    call: str
    rule: str
    overtook: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """The same summons again, under a new call id."""

    counter: str
    visit: str
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted:
    """The person sits at the counter."""

    counter: str
    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFinished:
    """Done at this counter; ``goes_on`` is the visit's next service, if it came for several."""

    counter: str
    visit: str
    goes_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPresent:
    """Called, recalled, and nobody came: the visit has left."""

    counter: str
    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Sent to fetch something; keeps its seniority until it returns."""

    counter: str
    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """Sent on to a service or to one counter, with its seniority."""

    counter: str
    visit: str
    to_service: str | None = None
    to_counter: str | None = None
    staff: str | None = None
    accompanied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """Takes back the counter's last event, ``undid``: all is again as it was before it."""

    counter: str
    undid: str


AppointmentEvent = (
    AppointmentBooked
    | AppointmentRebooked
    | AppointmentConfirmed
    | AppointmentAnnouncedLate
    | AppointmentDelayed
    | AppointmentCancelled
    | AppointmentCame
    | AppointmentCallBackAsked
    | AppointmentCalledBack
)
VisitEvent = VisitReported | VisitPrioritised | VisitBound | VisitReturned | VisitLeft
CounterEvent = (
    CounterOpened
    | CounterPaused
    | CounterClosed
    | Called
    | Recalled
    | ServiceStarted
    | ServiceFinished
    | NotPresent
    | Parked
    | Transferred
    | Undone
)
Event = DayOpened | DayEnded | AppointmentEvent | VisitEvent | CounterEvent

KINDS: dict[str, type[Event]] = {
    "day-opened": DayOpened,
    "day-ended": DayEnded,
    "appointment-booked": AppointmentBooked,
    "appointment-rebooked": AppointmentRebooked,
    "appointment-confirmed": AppointmentConfirmed,
    "appointment-announced-late": AppointmentAnnouncedLate,
    "appointment-delayed": AppointmentDelayed,
    "appointment-cancelled": AppointmentCancelled,
    "appointment-came": AppointmentCame,
    "appointment-call-back-asked": AppointmentCallBackAsked,
    "appointment-called-back": AppointmentCalledBack,
    "visit-reported": VisitReported,
    "visit-prioritised": VisitPrioritised,
    "visit-bound": VisitBound,
    "visit-returned": VisitReturned,
    "visit-left": VisitLeft,
    "counter-opened": CounterOpened,
    "counter-paused": CounterPaused,
    "counter-closed": CounterClosed,
    "called": Called,
    "recalled": Recalled,
    "service-started": ServiceStarted,
    "service-finished": ServiceFinished,
    "not-present": NotPresent,
    "parked": Parked,
    "transferred": Transferred,
    "undone": Undone,
}
KIND_OF: dict[type[Event], str] = {event: kind for kind, event in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a site's journal: ``seq`` counts from 1 without gaps, ``at`` never steps back."""

    seq: int
    at: int
    event: Event

    @property
    def kind(self) -> str:
        return KIND_OF[type(self.event)]
