"""What figures of appointments are divided by, and the local days and hours that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

import numpy as np

from server.domain.house import House
from server.domain.schedule import SECOND, Calendar
from server.figures.grouping import WEEKDAYS
from server.figures.report import BadQuestion, Column, Unit, Value
from server.figures.slots import CHANNELS, NONE, Codes, Instants, Slots

HOUR = 3600 * SECOND
LEADS = ((0, "same day"), (1, "1-3"), (4, "4-7"), (8, "8-14"), (15, "15-30"), (31, "over 30"))
"""From how many local days between booking and slot on, and what that is called."""
NOT_DRAWN = "not drawn"
"""The arm of who is in no experiment; the others are called EXPERIMENT/ARM."""

DIMENSIONS = {
    "service": Column("service", "Service", Unit.TEXT),
    "range": Column("range", "Number range", Unit.TEXT),
    "weekday": Column("weekday", "Day of the week", Unit.TEXT),
    "hour": Column("hour", "Hour of the slot", Unit.NUMBER),
    "day": Column("day", "Day", Unit.DATE),
    "week": Column("week", "Week", Unit.TEXT),
    "month": Column("month", "Month", Unit.TEXT),
    "lead": Column("lead", "Days from booking to slot", Unit.TEXT),
    "channel": Column("channel", "Booked by", Unit.TEXT),
    "language": Column("language", "Language", Unit.TEXT),
    "arm": Column("arm", "Arm of the experiment", Unit.TEXT),
}
"""All that figures can be divided by, with the columns that say it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Of each slot the place of its value among ``values``, which stand in the order to be shown in."""

    places: Codes
    values: tuple[Value, ...]


def checked(by: Sequence[str]) -> tuple[str, ...]:
    """The dimensions, if there are such. Raises :class:`BadQuestion`."""
    for place, name in enumerate(by):
        if name not in DIMENSIONS:
            raise BadQuestion(f'by: there is no "{name}"; there are {", ".join(DIMENSIONS)}')
        if name in by[:place]:
            raise BadQuestion(f'by: "{name}" stands there twice')
    return tuple(by)


class LocalDays:
    """The local days from one to another of a calendar: where they begin, and each instant's day and hour."""

    def __init__(self, calendar: Calendar, first: date, last: date) -> None:
        self.first = first
        count = (last - first).days + 1
        self._calendar = calendar
        self._midnights: Instants = np.array(
            [calendar.midnight_before(first + timedelta(days=ahead)) for ahead in range(count + 1)]
        )

    def day(self, at: Instants) -> Codes:
        """How many days after the first each instant lies."""
        return np.searchsorted(self._midnights[1:], at, side="right")

    def hour(self, at: Instants) -> Codes:
        """The hour that the clock shows, 0 to 23: one that comes twice, in autumn, is the same hour."""
        day = self.day(at)
        hour = (at - self._midnights[day]) // HOUR
        for index in np.flatnonzero(np.diff(self._midnights) != 24 * HOUR):
            here = day == index
            date_of = self.first + timedelta(days=int(index))
            begins = [self._calendar.at(date_of, time(each)) for each in range(24)]
            hour[here] = np.searchsorted(begins, at[here], side="right") - 1
        return hour


def keys(slots: Slots, house: House, name: str, first: date, last: date) -> Keys:
    """What a dimension divides these slots into; ``first`` and ``last`` are the days that they lie on."""
    return _KEYS[name](slots, house, LocalDays(house.calendar, first, last))


def _service(slots: Slots, house: House, _days: LocalDays) -> Keys:
    return _with_none(slots.service, tuple(house.services))


def _range(slots: Slots, house: House, _days: LocalDays) -> Keys:
    letters = tuple(sorted({service.range for service in house.services.values()}))
    place_of = [letters.index(service.range) for service in house.services.values()]
    return _with_none(np.array([*place_of, NONE])[slots.service], letters)


def _weekday(slots: Slots, _house: House, days: LocalDays) -> Keys:
    return Keys((days.day(slots.slot_at) + days.first.weekday()) % 7, WEEKDAYS)


def _hour(slots: Slots, _house: House, days: LocalDays) -> Keys:
    return Keys(days.hour(slots.slot_at), tuple(range(24)))


def _per_day(tell: Callable[[date], str]) -> Callable[[Slots, House, LocalDays], Keys]:
    def keys_of(slots: Slots, _house: House, days: LocalDays) -> Keys:
        day = days.day(slots.slot_at)
        count = int(day.max(initial=0)) + 1
        told = [tell(days.first + timedelta(days=ahead)) for ahead in range(count)]
        values = tuple(dict.fromkeys(told))
        place_of = {value: place for place, value in enumerate(values)}
        return Keys(np.array([place_of[value] for value in told])[day], values)

    return keys_of


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _lead(slots: Slots, house: House, days: LocalDays) -> Keys:
    values = tuple(name for _, name in LEADS)
    if not len(slots):
        return Keys(slots.slot_at, values)
    day = days.day(slots.slot_at)
    earliest = house.calendar.local_date(int(slots.booked_at.min()))
    latest = house.calendar.local_date(int(slots.booked_at.max()))
    booked = LocalDays(house.calendar, earliest, latest).day(slots.booked_at)
    lead = day - booked + (days.first - earliest).days
    # A booking system may tell of an appointment after its slot.
    ahead = np.maximum(lead, 0)
    return Keys(np.searchsorted([least for least, _ in LEADS], ahead, side="right") - 1, values)


def _channel(slots: Slots, _house: House, _days: LocalDays) -> Keys:
    return _with_none(slots.channel, tuple(channel.value for channel in CHANNELS))


def _language(slots: Slots, _house: House, _days: LocalDays) -> Keys:
    found = _texts(slots.languages)
    return Keys(found.places, tuple(None if value == "-" else value for value in found.values))


def _arm(slots: Slots, _house: House, _days: LocalDays) -> Keys:
    found = _texts(slots.arms)
    return Keys(found.places, tuple(NOT_DRAWN if value == "-" else value for value in found.values))


def _texts(texts: list[str]) -> Keys:
    # What is not known stands last.
    values = tuple(sorted(set(texts), key=lambda text: (text == "-", text)))
    place_of = {value: place for place, value in enumerate(values)}
    return Keys(np.fromiter((place_of[text] for text in texts), np.int64, len(texts)), values)


def _with_none(codes: Codes, values: tuple[Value, ...]) -> Keys:
    return Keys(np.where(codes == NONE, len(values), codes), (*values, None))


_KEYS: dict[str, Callable[[Slots, House, LocalDays], Keys]] = {
    "service": _service,
    "range": _range,
    "weekday": _weekday,
    "hour": _hour,
    "day": _per_day(date.isoformat),
    "week": _per_day(_week),
    "month": _per_day(lambda day: f"{day:%Y-%m}"),
    "lead": _lead,
    "channel": _channel,
    "language": _language,
    "arm": _arm,
}
