"""The calendar file, read back by the library that others use: one entry, which later files move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from notify.calendar import appointment_file, uid
from server.domain.schedule import to_instant

AT = datetime(2026, 11, 24, 9, 15, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def file(**more: Any) -> bytes:
    given: dict[str, Any] = {
        "appointment": "abc",
        "public_url": "https://wachten.mechelen.be:8443/x",
        "sequence": 0,
        "stamp": to_instant(NOW),
        "at": to_instant(AT),
        "target_s": 900,
        "summary": "Afspraak Bevolking",
    }
    return appointment_file(**{**given, **more})


def event(raw: bytes) -> Any:
    (found,) = Calendar.from_ical(raw).walk("VEVENT")
    return found


def test_it_says_when_where_and_how_long() -> None:
    raw = file(
        place="Huis van de Mechelaar, Reuzenstraat 1",
        link="https://wachten.mechelen.be/t/x",
        description="Breng mee:\nuw identiteitskaart",
        organizer="no-reply@mechelen.be",
        attendee="jan@example.org",
    )
    found = event(raw)
    assert (found.start, found.end) == (AT, AT + timedelta(minutes=15))
    assert found["DTSTAMP"].dt == NOW
    assert b"DTSTART:20261124T091500Z\r\n" in raw
    assert (found["SUMMARY"], found["STATUS"]) == ("Afspraak Bevolking", "CONFIRMED")
    assert found["LOCATION"] == "Huis van de Mechelaar, Reuzenstraat 1"
    assert found["URL"] == "https://wachten.mechelen.be/t/x"
    assert found["DESCRIPTION"] == "Breng mee:\nuw identiteitskaart"
    assert (found["ORGANIZER"], found["ATTENDEE"]) == (
        "mailto:no-reply@mechelen.be",
        "mailto:jan@example.org",
    )
    assert found["ATTENDEE"].params["RSVP"] == "FALSE"
    whole = Calendar.from_ical(raw)
    assert (whole["METHOD"], whole["VERSION"]) == ("REQUEST", "2.0")


def test_a_later_file_is_of_the_same_entry_and_goes_before() -> None:
    first, moved = event(file()), event(file(sequence=1, at=to_instant(AT + timedelta(days=1))))
    assert (
        first["UID"] == moved["UID"] == uid("abc", "https://wachten.mechelen.be") == "abc@wachten.mechelen.be"
    )
    assert (first["SEQUENCE"], moved["SEQUENCE"]) == (0, 1)
    raw = file(sequence=2, cancelled=True)
    gone = event(raw)
    assert (gone["UID"], gone["SEQUENCE"], gone["STATUS"]) == (first["UID"], 2, "CANCELLED")
    assert Calendar.from_ical(raw)["METHOD"] == "CANCEL"


def test_no_line_comes_in_with_what_is_written() -> None:
    evil = "x\r\nATTENDEE:mailto:all@example.org\r\nBEGIN:VALARM"
    found = event(file(summary=evil, place=evil, description=evil))
    assert "ATTENDEE" not in found
    assert found.subcomponents == []
    with pytest.raises(ValueError, match="CR or LF"):
        file(link="https://x/" + evil)
