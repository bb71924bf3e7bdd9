"""Opening hours and local days, right on the two days of the year when clocks change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
"""Microseconds in a second: instants are integer microseconds UTC."""

Period = tuple[int, int]
"""An opening as two instants, from (included) and to (excluded)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_instant(moment: datetime) -> int:
    """Microseconds UTC of an aware datetime, exact (no floating point on the way)."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def to_datetime(instant: int, zone: ZoneInfo | None = None) -> datetime:
    """The aware datetime of an instant, in UTC or in ``zone``."""
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment.astimezone(zone) if zone else moment


def in_zone(local: datetime, zone: tzinfo) -> datetime:
    """A wall-clock time as the moment it is in a zone.

    Raises ``ValueError`` with the reason where the clock skips that time, or shows it twice: whoever named it
    meant one moment, and a guess would be an hour beside it.
    """
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    again = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if again != local:
        raise ValueError("the clock skips this time on that day")
    if first.utcoffset() != second.utcoffset():
        raise ValueError("the clock shows this time twice on that day: give an offset such as +01:00")
    return first


@lru_cache(maxsize=8192)  # the same moments stand in every view until their people have gone
def iso(instant: int) -> str:
    """RFC 3339 in UTC with milliseconds, as every ``at`` on the wire: ``2026-11-23T09:15:02.123Z``."""
    return to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a house is open.

    ``weekly`` has seven entries, Monday first, each a tuple of (from, to) wall-clock times.
    ``is_holiday`` tells public holidays and the house's own closing days; it is given from
    outside because the list of holidays is data, not a rule.
    """

    zone: ZoneInfo
    weekly: tuple[tuple[tuple[time, time], ...], ...]
    is_holiday: Callable[[date], bool] = lambda _day: False
    tickets_stop_s: int = 900
    tickets_start_s: int = 600
    day_ends_after_s: int = 3600

    def local_date(self, instant: int) -> date:
        """The calendar date in the house's own time zone."""
        return to_datetime(instant, self.zone).date()

    def at(self, day: date, wall: time) -> int:
        """The instant of a wall-clock time on a day.

        A time that does not exist (spring) is read as if the clock had not yet moved; one that
        exists twice (autumn) is the first of the two.
        """
        return to_instant(datetime.combine(day, wall, tzinfo=self.zone))

    def midnight_before(self, day: date) -> int:
        """The instant at which a local day begins."""
        return self.at(day, time(0))

    def midnight_after(self, day: date) -> int:
        """The instant at which the next local day begins: 23, 24 or 25 hours after this one did."""
        return self.at(day + timedelta(days=1), time(0))

    def openings(self, day: date) -> tuple[Period, ...]:
        """The periods in which the house is open on a day, in order; none on a closing day."""
        if self.is_holiday(day):
            return ()
        return tuple((self.at(day, start), self.at(day, end)) for start, end in self.weekly[day.weekday()])

    def day_end(self, day: date) -> int:
        """When the day ends by itself: after its last closing hour, at the latest at midnight."""
        openings = self.openings(day)
        midnight = self.midnight_after(day)
        if not openings:
            return midnight
        return min(openings[-1][1] + self.day_ends_after_s * SECOND, midnight)

    def next_opening(self, instant: int, *, days: int = 30) -> int | None:
        """The first opening that starts after an instant, or None if there is none within ``days``."""
        day = self.local_date(instant)
        for ahead in range(days + 1):
            for start, _end in self.openings(day + timedelta(days=ahead)):
                if start > instant:
                    return start
        return None


def takes_tickets(openings: tuple[Period, ...], now: int, *, start_s: int, stop_s: int) -> bool:
    """Whether a walk-in may draw a ticket: ``start_s`` before an opening until ``stop_s`` before its end."""
    return any(begin - start_s * SECOND <= now < end - stop_s * SECOND for begin, end in openings)


def is_open(openings: tuple[Period, ...], now: int) -> bool:
    """Whether the doors are open."""
    return any(begin <= now < end for begin, end in openings)
