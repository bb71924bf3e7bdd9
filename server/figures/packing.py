"""A day's facts as bytes: fixed-size records, so that a year of them is read in milliseconds.

Standard library only, for a server packs each day that ends; ``server.figures.record`` reads the same
records as columns. Instants are microseconds UTC, words are places in the day's list of texts.
"""

from __future__ import annotations

import struct

import msgspec

from server.domain.day import CounterMode, Status
from server.figures.stints import End, Facts

FORMAT = 1
"""Days that were packed otherwise are packed again, from the journal."""

NEVER = -(2**63)
"""Stands for an instant that there is none of."""

STATUSES = tuple(Status)
ENDS = tuple(End)
MODES = tuple(CounterMode)

VISIT = (
    *(("reported_at", "q"), ("slot_at", "q"), ("told_at", "q"), ("first_called_at", "q"), ("ended_at", "q")),
    *(("service", "H"), ("range", "H"), ("counter", "H"), ("language", "H"), ("persons", "H")),
    *(("appointment", "B"), ("status", "B")),
)
STINT = (
    *(("queued_at", "q"), ("called_at", "q"), ("started_at", "q"), ("ended_at", "q")),
    *(("visit", "I"), ("n", "H"), ("calls", "H"), ("service", "H"), ("counter", "H"), ("end", "B")),
)
SHIFT = (("begin", "q"), ("end", "q"), ("counter", "H"), ("mode", "B"))
"""The fields of a record and their kinds, as ``struct`` writes them, little-endian and without gaps."""

MOST = 65_535
"""A count above it (65,535 persons, say) is a slip, and kept as this."""


class Packed(msgspec.Struct, array_like=True):
    """A packed day: the texts that its words are places in, then its records."""

    date: str
    begins_at: int
    until: int
    at: int
    ended: bool
    texts: list[str]
    visits: bytes
    stints: bytes
    shifts: bytes


def pack(day: Facts) -> Packed:
    """The day's facts as records. ``texts`` begins with "", which stands for none."""
    texts = _Texts()
    visit, stint, shift = (_record(fields) for fields in (VISIT, STINT, SHIFT))
    visits = [
        visit.pack(
            *(each.reported_at, _instant(each.slot_at), _instant(each.told_at)),
            *(_instant(each.first_called_at), _instant(each.ended_at)),
            *(texts.place(each.service), texts.place(each.range), texts.place(each.counter)),
            *(texts.place(each.language), min(each.persons, MOST)),
            *(each.appointment, STATUSES.index(each.status)),
        )
        for each in day.visits
    ]
    stints = [
        stint.pack(
            *(each.queued_at, each.called_at, _instant(each.started_at), _instant(each.ended_at)),
            *(each.visit, min(each.n, MOST), min(each.calls, MOST)),
            *(texts.place(each.service), texts.place(each.counter), ENDS.index(each.end)),
        )
        for each in day.stints
    ]
    shifts = [
        shift.pack(each.begin, _instant(each.end), texts.place(each.counter), MODES.index(each.mode))
        for each in day.shifts
    ]
    return Packed(
        *(day.date, day.begins_at, day.until, day.at, day.ended, texts.known),
        *(b"".join(visits), b"".join(stints), b"".join(shifts)),
    )


class _Texts:
    """The words of a day, each once."""

    def __init__(self) -> None:
        self.known = [""]
        self._places = {"": 0}

    def place(self, text: str | None) -> int:
        """The word's place in the list, which it is put into."""
        text = text or ""
        if text not in self._places:
            self._places[text] = len(self.known)
            self.known.append(text)
        return self._places[text]


def _record(fields: tuple[tuple[str, str], ...]) -> struct.Struct:
    return struct.Struct("<" + "".join(kind for _name, kind in fields))


def _instant(at: int | None) -> int:
    return NEVER if at is None else at
