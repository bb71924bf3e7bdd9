"""The experiment: which appointments may be part of it, and which arm each is drawn into. Pure.

Both are settled once, when an appointment is first known and before anything is planned for it. An arm is
drawn by a hash under the server's key: nobody who makes references can choose one, and every node that
draws finds the same.
"""

from __future__ import annotations

from enum import StrEnum

from notify import plan
from notify.contacts import Contact, addresses
from server.domain.appointment import Appointment
from server.domain.experiment import WHOLE, Arm, Experiment
from server.domain.house import House
from server.keys import Keys


class Reason(StrEnum):
    """Why an appointment is not part of the experiment, though booked while it ran."""

    SERVICE = "service"
    """Its service takes no part."""
    LADDER = "ladder"
    """The house reminds nobody of this service."""
    LATE = "late"
    """It was made too late for any reminder, or was over before one could be planned."""
    CONTACT = "contact"
    """Its person cannot be written to, wants no messages, or must not be experimented with.

    These are one reason on purpose: a record that told them apart would say who needs a safe contact.
    """


def runs(house: House, appointment: Appointment) -> bool:
    """Whether the experiment of a house ran when this was booked, and it is anything that may be recorded.

    Discreet services leave no trace in it at all.
    """
    experiment = house.experiment
    service = house.services.get(appointment.service)
    if experiment is None or (service is not None and service.discreet):
        return False
    return experiment.starts <= house.calendar.local_date(appointment.booked_at) <= experiment.ends


def barred(house: House, appointment: Appointment, writable: bool, now: int) -> Reason | None:
    """Why an appointment cannot be part of its house's experiment, or None: it is.

    No reason looks at an arm: who takes part is the same whatever is drawn. ``writable`` is whether the
    house may and can write to its person, and does not owe them a safe contact.
    """
    experiment = house.experiment
    assert experiment is not None
    if appointment.service not in (experiment.services or house.services):
        return Reason.SERVICE
    if not plan.ladder(house, appointment.service):
        return Reason.LADDER
    if not any(rung.due_at > now for rung in plan.rungs(house, appointment)):
        return Reason.LATE
    return None if writable else Reason.CONTACT


def assign(experiment: Experiment, keys: Keys, site: str, reference: str) -> Arm:
    """The arm that an appointment is drawn into, each with its own probability."""
    # The experiment's id is in the hash: what an earlier one drew says nothing of what this one draws.
    lot = keys.lot(f"{experiment.id}\n{site}\n{reference}") * WHOLE
    drawn = experiment.arms[0]
    until = 0
    for drawn in experiment.arms:
        until += drawn.share
        if lot < until:
            break
    return drawn


def person(experiment: Experiment, keys: Keys, site: str, contact: Contact) -> bytes | None:
    """By what a person is known again within an experiment: a mark of where they are reached, or None.

    The telephone number goes before the mail address, that before the browser. The mark holds for this
    experiment alone, so it tells nothing of another, nor of the number to who has no key.
    """
    reached = addresses(contact)
    known = reached["sms"] or (reached["mail"] or "").casefold() or reached["push"]
    return keys.person_mark(f"{experiment.id}\n{site}\n{known}") if known else None


def version(house: House) -> str:
    """The name of an experiment with a hash of all that planning goes by: a change of either is another."""
    assert house.experiment is not None
    return f"{house.experiment.id}:{plan.policy(house)}"
