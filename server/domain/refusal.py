"""Why a command is refused: a stable code and the facts; the sentence is made at the edge."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The stable codes of refusals by the rules of the hall."""

    UNKNOWN_SERVICE = "unknown-service"
    UNKNOWN_COUNTER = "unknown-counter"
    UNKNOWN_TICKET = "unknown-ticket"
    UNKNOWN_APPOINTMENT = "unknown-appointment"
    NO_WALK_INS = "service-takes-no-walk-ins"
    NO_APPOINTMENTS = "service-takes-no-appointments"
    HOUSE_CLOSED = "house-closed"
    DAY_OVER = "day-over"
    SLOT_PAST = "slot-past"
    SLOT_FAR = "slot-too-far"
    APPOINTMENT_CANCELLED = "appointment-cancelled"
    APPOINTMENT_NOT_TODAY = "appointment-not-today"
    APPOINTMENT_REPORTED = "appointment-reported"
    APPOINTMENT_OVER = "appointment-over"
    APPOINTMENT_MOVED = "appointment-moved"
    LATE_TOO_LONG = "late-too-long"
    LATE_TOO_EARLY = "late-too-early"
    LATE_TOO_LATE = "late-too-late"
    COUNTER_NOT_OPEN = "counter-not-open"
    COUNTER_BUSY = "counter-busy"
    NOBODY_AT_COUNTER = "nobody-at-counter"
    NOT_CALLED = "not-called"
    RECALL_FIRST = "recall-first"
    NOT_WAITING = "not-waiting"
    NOT_AWAY = "not-away"
    VISIT_OVER = "visit-over"
    NOT_THIS_COUNTER = "not-this-counter"
    BAD_TRANSFER = "bad-transfer"
    NOTHING_TO_UNDO = "nothing-to-undo"
    UNDO_TOO_LATE = "undo-too-late"
    UNDO_MOVED_ON = "undo-moved-on"


class Refused(Exception):
    """A command that the rules do not allow now. ``facts`` are safe to show to who asked."""

    def __init__(self, code: Code, **facts: str | int | list[str]) -> None:
        super().__init__(code.value)
        self.code = code
        self.facts = facts
