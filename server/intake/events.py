"""iCalendar (RFC 5545): one appointment an event, read event by event with the library ``icalendar``.

UID is the reference, DTSTART the slot, CATEGORIES or else SUMMARY the service, STATUS:CANCELLED cancels, the
one ATTENDEE is who comes, X-ONTHAAL-CHANNEL how it was booked. All else is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import icalendar

from server.domain.house import House
from server.domain.schedule import in_zone
from server.intake.lines import Line
from server.intake.rows import LINE_BYTES, BadRow, Row, cancelled, row

CHANNEL = "X-ONTHAAL-CHANNEL"
"""A property of our own: none of RFC 5545 says how an event was booked."""

_PARTS = ("VEVENT", "VTIMEZONE")


def read(lines: Iterator[Line], house: House) -> Iterator[Row | BadRow]:
    """Each event of a calendar, or what is wrong with it."""
    ended, number = False, 0
    for line in lines:
        number = line.number
        said = (line.text or "").strip().upper()
        ended = said == "END:VCALENDAR" or (ended and not said)
        kind = said.removeprefix("BEGIN:")
        if not said.startswith("BEGIN:") or kind not in _PARTS:
            continue
        try:
            text = _part(line, lines, kind)
            if kind == "VTIMEZONE":
                _zone(line.number, text)
            else:
                yield _event(line.number, text, house)
        except BadRow as bad:
            yield bad
    if not ended:
        yield BadRow(number, "the file ends before END:VCALENDAR: it was cut short")


def _part(first: Line, lines: Iterator[Line], kind: str) -> str:
    """The text of an event or a zone from its BEGIN to its END."""
    held, size, wrong = [f"BEGIN:{kind}"], 0, ""
    for line in lines:
        if line.text is None:
            wrong = f"line {line.number} {line.wrong}"
            continue
        size += len(line.text)
        if size <= LINE_BYTES:
            held.append(line.text)
        if line.text.strip().upper() == f"END:{kind}":
            if size > LINE_BYTES:
                wrong = f"the {kind} is longer than {LINE_BYTES} characters"
            if wrong:
                raise BadRow(first.number, wrong)
            return "\r\n".join(held) + "\r\n"
    raise BadRow(first.number, f"the {kind} does not end")


def _zone(line: int, text: str) -> None:
    """A zone of the file's own. The library keeps it for the events after it."""
    try:
        icalendar.Timezone.from_ical(text)
    except Exception:  # whatever the library stumbles over is the file's
        raise BadRow(line, "VTIMEZONE: cannot be read") from None


def _event(line: int, text: str, house: House) -> Row:
    try:
        event: Any = icalendar.Event.from_ical(text)
        ref, status = _one(line, event, "UID"), _one(line, event, "STATUS").upper()
        if not ref:
            raise BadRow(line, "UID: is missing")
        for name in ("RRULE", "RDATE", "RECURRENCE-ID"):
            if name in event:
                raise BadRow(line, f"{name}: an appointment is on one day; give each its own event")
        if status == "CANCELLED":
            return cancelled(line, ref)
        fields: dict[str, str | datetime] = {
            "service": _service(line, event, house),
            "at": _at(line, event, house),
        }
        if channel := _one(line, event, CHANNEL):
            fields["channel"] = channel
        return row(line, ref, fields | _person(line, event), house)
    except BadRow as bad:
        # What a row of a table calls ref, at and so on has another name here.
        names = {"ref": "UID", "phone": "ATTENDEE", "name": "ATTENDEE", "email": "ATTENDEE"}
        names["channel"] = CHANNEL
        name, colon, reason = str(bad).partition(": ")
        raise BadRow(line, f"{names.get(name, name)}{colon}{reason}") from None
    except Exception:  # a value that the library cannot read fails where it is used
        raise BadRow(line, "the VEVENT cannot be read") from None


def _one(line: int, event: Any, name: str) -> str:
    value = event.get(name)
    if isinstance(value, list):
        raise BadRow(line, f"{name}: stands there twice")
    return "" if value is None else str(value).strip()


def _service(line: int, event: Any, house: House) -> str:
    """The one service that CATEGORIES names by its id; where none does, SUMMARY, by id or name."""
    given = event.get("CATEGORIES", [])
    named = [str(name) for each in (given if isinstance(given, list) else [given]) for name in each.cats]
    found = {name for name in named if name in house.services}
    if len(found) > 1:
        raise BadRow(line, "CATEGORIES: names several services of the site")
    if found:
        return found.pop()
    summary = _one(line, event, "SUMMARY")
    names = {service.name.casefold(): service.id for service in house.services.values()}
    service = summary if summary in house.services else names.get(summary.casefold())
    if service is None:
        raise BadRow(line, "neither CATEGORIES nor SUMMARY is a service of the site")
    return service


def _at(line: int, event: Any, house: House) -> datetime:
    start = event.get("DTSTART")
    if start is None:
        raise BadRow(line, "DTSTART: is missing")
    if isinstance(start, list):
        raise BadRow(line, "DTSTART: stands there twice")
    try:
        at = start.dt
    except Exception:
        raise BadRow(line, "DTSTART: is no day and time") from None
    if not isinstance(at, datetime):
        raise BadRow(line, "DTSTART: has a day and no time")
    if at.tzinfo is None and "TZID" in start.params:
        raise BadRow(line, "DTSTART: the time zone of TZID is not known, nor told in a VTIMEZONE before")
    try:
        return in_zone(at.replace(tzinfo=None), at.tzinfo or house.calendar.zone)
    except ValueError as error:
        raise BadRow(line, f"DTSTART: {error}") from None


def _person(line: int, event: Any) -> dict[str, str | datetime]:
    attendee = event.get("ATTENDEE")
    if attendee is None:
        return {}
    if isinstance(attendee, list):
        raise BadRow(line, "ATTENDEE: there are several; an appointment has one person to reach")
    found: dict[str, str | datetime] = {}
    scheme, _, rest = str(attendee).partition(":")
    name = str(attendee.params.get("CN", "")).strip()
    if name:
        found["name"] = name
    if scheme.lower() == "mailto" and rest.strip():
        found["email"] = rest.strip()
    elif scheme.lower() == "tel" and rest.strip():
        found["phone"] = rest.strip()
    return found
