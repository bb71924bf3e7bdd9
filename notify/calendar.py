"""A calendar file of one appointment (RFC 5545, 5546): later files move or take away the same entry."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event, vCalAddress, vText

from server.domain.schedule import to_datetime

PRODUCT = "-//Onthaal//Onthaal//EN"


def appointment_file(
    *,
    appointment: str,
    public_url: str,
    sequence: int,
    stamp: int,
    at: int,
    target_s: int,
    summary: str,
    place: str = "",
    description: str = "",
    link: str = "",
    organizer: str = "",
    attendee: str = "",
    cancelled: bool = False,
) -> bytes:
    """The file as UTF-8. ``at`` is the slot and ``stamp`` now, instants; ``target_s`` how long it takes.

    ``sequence`` must rise with each change of the appointment: a calendar keeps the entry with the highest.
    ``organizer`` and ``attendee`` are mail addresses; nobody is asked to answer. For a discreet appointment
    ``summary``, ``place`` and ``description`` must be neutral: this module writes what it is given.
    """
    event = Event()
    event.add("uid", uid(appointment, public_url))
    event.add("sequence", sequence)
    event.add("dtstamp", to_datetime(stamp))
    event.add("dtstart", to_datetime(at))
    event.add("dtend", to_datetime(at) + timedelta(seconds=target_s))
    event.add("summary", _one_line(summary))
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    if place:
        event.add("location", _one_line(place))
    if description:
        event.add("description", description)
    if link:
        event.add("url", link)
    if organizer:
        event.add("organizer", vCalAddress(f"mailto:{organizer}"))
    if attendee:
        person = vCalAddress(f"mailto:{attendee}")
        person.params["PARTSTAT"] = vText("ACCEPTED")
        person.params["RSVP"] = vText("FALSE")
        event.add("attendee", person)
    file = Calendar()
    file.add("prodid", PRODUCT)
    file.add("version", "2.0")
    file.add("method", "CANCEL" if cancelled else "REQUEST")
    file.add_component(event)
    return bytes(file.to_ical())


def uid(appointment: str, public_url: str) -> str:
    """What a calendar knows the appointment by, for ever."""
    return f"{appointment}@{urlsplit(public_url).hostname or 'localhost'}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
