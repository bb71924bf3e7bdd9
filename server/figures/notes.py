"""What a reader of any report over local days must know."""

from __future__ import annotations

from collections.abc import Sequence

from server.domain.house import House
from server.domain.schedule import to_datetime
from server.figures.record import Record

PERCENTILES = "P50, P90, P95: as long or less for 50, 90, 95 of 100."
"""What stands under quantiles of a duration, for who does not work with such words."""


def lasting(seconds: int) -> str:
    """A set duration in words, as exact as it was set: "15 min" for 900 seconds, "90 s"."""
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if seconds and not seconds % unit_s:
            return f"{seconds // unit_s} {unit}"
    return f"{seconds} s"


def span_notes(record: Record, house: House, by: Sequence[str], now: int) -> tuple[str, ...]:
    """Nothing to count, a day that is not over, services that form no group."""
    notes = []
    if not record.days:
        notes.append("Nothing is recorded of any of these days: there is nothing to count.")
    for day in record.running:
        until = to_datetime(now, house.calendar.zone)
        notes.append(f"{day} is not over: its figures are those of {until:%Y-%m-%d %H:%M}.")
    if "service" in by and any(service.discreet for service in house.services.values()):
        notes.append(
            "Discreet services form no group of their own: they are in the figures that name no service."
        )
    return tuple(notes)
