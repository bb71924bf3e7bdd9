"""One row of a file as an appointment to book or to cancel, by the same types as the API's body.

A row may hold a person's name and number, in the right place or in the wrong one. No reason repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from notify import contacts
from server.config_tables import nearest
from server.domain.appointment import BookedBy
from server.domain.house import House
from server.domain.schedule import in_zone, to_instant
from server.web import bodies

LINE_BYTES = 65_536
"""The longest line that is read, and the longest event: as long as the longest body of the API."""

_SHAPES = {
    "ref": "must be 1 to 100 letters, digits and . _ ~ : @ + -",
    "service": "must be the id of a service",
    "language": 'must be a code of two or three letters such as "nl"',
    "persons": "must be a whole number from 1 to 20",
    "name": "must be at most 200 characters",
    "phone": "must be at most 200 characters",
    "email": "must be at most 200 characters",
    "safe": "must be sms, mail, none or any",
    "channel": f"must be {', '.join(list(BookedBy)[:-1])} or {list(BookedBy)[-1]}",
}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)


class BadFile(Exception):
    """A file that cannot be read as what it should be; the message says where and why."""


class BadRow(Exception):
    """A row that cannot be taken: ``line`` counts from 1, the message is the reason, without any value."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Row:
    """An appointment of a file. ``booking`` is None where the row cancels it; ``at`` is the slot."""

    line: int
    ref: str
    booking: bodies.Booking | None
    at: int


def moment(text: str, zone: tzinfo) -> datetime:
    """A slot as people write it, ``2026-12-01T10:40`` or with an offset; without one it is in ``zone``.

    Raises ``ValueError`` with the reason.
    """
    parts = _TIME.fullmatch(text)
    if parts is None:
        raise ValueError("must be a day and a time such as 2026-12-01T10:40 or 2026-12-01T10:40:00+01:00")
    day, clock, offset = parts.groups()
    try:
        found = datetime.fromisoformat(f"{day}T{clock}{(offset or '').upper()}")
    except ValueError:
        raise ValueError("there is no such day or time") from None
    return found if found.tzinfo else in_zone(found, zone)


def row(line: int, ref: str, fields: Mapping[str, str | datetime], house: House) -> Row:
    """The row of these fields, as the API's body and its contact name them; absent ones are left out.

    Raises :class:`BadRow` for whatever the API would refuse by the look of it.
    """
    _take(line, "ref", ref, bodies.Ref)
    service, at = fields["service"], fields["at"]
    assert isinstance(at, datetime)
    if service not in house.services:
        known = nearest(str(service), house.services)
        raise BadRow(line, f"service: the site has no such service{known}")
    people = {name: fields[name] for name in ("name", "phone", "email", "safe") if name in fields}
    contact = None
    if people:
        for name, value in people.items():
            _take(line, name, value, contacts.Safe if name == "safe" else contacts.Short)
        try:
            contact = contacts.normal(msgspec.convert(people, contacts.Contact), house.region)
        except contacts.BadContact as error:
            raise BadRow(line, f"{error.field}: {error}") from None
    language, persons = fields.get("language"), fields.get("persons", "1")
    channel = fields.get("channel")
    booking = bodies.Booking(
        service=_take(line, "service", service, bodies.ServiceName),
        at=at,
        language=None if language is None else _take(line, "language", language, bodies.Language),
        persons=_take(line, "persons", persons, bodies.Persons),
        contact=contact,
        channel=None if channel is None else _take(line, "channel", channel, BookedBy),
    )
    return Row(line, ref, booking, to_instant(at))


def cancelled(line: int, ref: str) -> Row:
    """The row that cancels an appointment. Raises :class:`BadRow`."""
    return Row(line, _take(line, "ref", ref, bodies.Ref), None, 0)


def _take(line: int, name: str, value: object, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        raise BadRow(line, f"{name}: {_SHAPES[name]}") from None
