"""What people and machines may ask of a site. ``server.domain.hall.decide`` answers with events."""

from __future__ import annotations

from dataclasses import dataclass

from server.domain.appointment import Appointment, BookedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDay:
    """Begin the local day of now, with its appointments; ends the day before where it still runs."""

    appointments: tuple[Appointment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDay:
    """End the day, once its time has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Make the appointment be as these fields say; ``known`` is what it is now, if it is.

    Without a ``channel`` it stays as it was booked: who changes it later may not know how.
    """

    appointment: str
    service: str
    at: int
    language: str | None = None
    persons: int = 1
    channel: BookedBy | None = None
    known: Appointment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """The citizen will come."""

    known: Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceLate:
    """The citizen will be ``late_s`` seconds late.

    ``keeps``: they are promised that the place is kept, so only a lateness that keeps it is accepted.
    Without, staff note what they were told, however late.
    """

    known: Appointment
    late_s: int
    keeps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """The house runs late: name the later time ``to`` to the citizen, once."""

    known: Appointment
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Cancel an appointment, by ``citizen`` or ``city``."""

    known: Appointment
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCame:
    """The person of an appointment did come, though they never reported."""

    known: Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCallBack:
    """The citizen wishes to be called back about the appointment."""

    known: Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCalledBack:
    """Somebody called the citizen back."""

    known: Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The citizen of an appointment is here; ``visit`` is a fresh id for what it makes."""

    known: Appointment
    visit: str
    priority: bool = False
    language: str | None = None
    persons: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkIn:
    """A citizen without appointment draws a ticket; ``then`` are further services of the same visit."""

    visit: str
    service: str
    then: tuple[str, ...] = ()
    priority: bool = False
    language: str | None = None
    persons: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Prioritise:
    """Put or take off the priority mark. ``visit`` is a visit's id or its ticket of today."""

    visit: str
    priority: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Bind a visit to one member of staff, or to none."""

    visit: str
    staff: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A parked visit is back; so is one that was called in vain."""

    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The citizen does not wait any longer."""

    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCounter:
    """Open a counter, or take another member of staff at it."""

    counter: str
    staff: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseCounter:
    """No further calls for now."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCounter:
    """Close a counter at which nobody is."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNext:
    """Call who is next by the rules."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTicket:
    """Call this ticket, whoever is next."""

    counter: str
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Say the call again."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The called person is at the counter."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The person at the counter is helped."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShow:
    """The called person did not come."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """The person goes to fetch something and will be back."""

    counter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Send the person on: to a service, or to one counter; exactly one of the two."""

    counter: str
    to_service: str | None = None
    to_counter: str | None = None
    staff: str | None = None
    accompanied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Take back this counter's last event."""

    counter: str


AppointmentCommand = Book | Confirm | AnnounceLate | Delay | Cancel | NoteCame | AskCallBack | NoteCalledBack
VisitCommand = Prioritise | Bind | Return | Leave
CounterCommand = (
    OpenCounter
    | PauseCounter
    | CloseCounter
    | CallNext
    | CallTicket
    | Recall
    | Start
    | Finish
    | NoShow
    | Park
    | Transfer
    | Undo
)
Command = OpenDay | EndDay | AppointmentCommand | Report | WalkIn | VisitCommand | CounterCommand
