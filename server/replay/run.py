"""A recorded day again, in virtual time, through the same decisions as a live one.

No calendar applies: the house is open from the first arrival, with all its counters, until the
last person is served. A called person sits down at once. ``server.replay.hall`` says what happens in
which order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from server.domain.house import House
from server.replay.hall import NEVER, Duty, Person, Script, Stage, play
from server.replay.trace import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One row of the trace as the replay served it. ``overtook`` are tickets of the same day.

    ``waited_us`` begins at the later of slot and arrival; who is called before it waited 0.
    """

    row: Row
    day: date
    ticket: str
    counter: str
    called_at: int
    ended_at: int
    rule: str
    overtook: tuple[str, ...]

    @property
    def waited_us(self) -> int:
        row = self.row
        begin = row.arrived_at if row.appointment_at is None else max(row.arrived_at, row.appointment_at)
        return max(0, self.called_at - begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everyone served, in the order of their calls; ``staffed_us`` is for each counter, all days together.

    A day's staffed time runs from its first arrival until its last person is served.
    """

    served: tuple[Served, ...]
    staffed_us: int
    days: int


def replay(house: House, rows: Iterable[Row], progress: Callable[[int], None] | None = None) -> Result:
    """Serve all rows; each local day of the house starts anew. ``progress`` is told how many are served.

    The rows must be of services of this house, as ``server.replay.trace`` checks.
    """
    ordered = sorted(rows, key=lambda row: row.arrived_at)
    served: list[Served] = []
    staffed_us = days = 0
    for day, group in groupby(ordered, key=lambda row: house.calendar.local_date(row.arrived_at)):
        todays = list(group)
        done_before = len(served)

        def told(done: int, before: int = done_before) -> None:
            if progress is not None:
                progress(before + done)

        served += _day(house, day, todays, told)
        staffed_us += max(entry.ended_at for entry in served[done_before:]) - todays[0].arrived_at
        days += 1
    return Result(served=tuple(served), staffed_us=staffed_us, days=days)


def _day(house: House, day: date, rows: list[Row], told: Callable[[int], None]) -> list[Served]:
    begin = rows[0].arrived_at
    script = Script(
        date=day,
        begins_at=house.calendar.midnight_before(day),
        openings=((begin, NEVER),),
        people=[
            Person(
                service=row.service,
                arrived_at=row.arrived_at,
                slot_at=row.appointment_at,
                stages=(Stage(service=row.service, takes_us=row.service_us),),
            )
            for row in rows
        ],
        duties=[Duty(at=begin, counter=counter) for counter in house.counters],
    )
    return [
        Served(
            row=rows[call.person],
            day=day,
            ticket=call.ticket,
            counter=call.counter,
            called_at=call.at,
            ended_at=call.until,
            rule=call.rule,
            overtook=call.overtook,
        )
        for call in play(house, script, told).calls
    ]
