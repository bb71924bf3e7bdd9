"""What the demo tells in the terminal: where the day is, and its figures when it is over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from server.domain.house import House
from server.domain.schedule import to_datetime
from server.simulate.figures import DayFigures, Failing, Waits
from server.simulate.housetime import HouseTime, instant
from server.simulate.tally import Tally
from server.simulate.watch import Hall

LIVE_EVERY_S = 0.5
_LINK = re.compile(r"https?://\S+")
PLAIN_EVERY_S = 15.0
"""Real seconds between two lines where there is no terminal to write over."""


class Terminal:
    """Results on standard output; on standard error one line that keeps up with the day.

    The line is written over on a terminal, and printed now and then where there is none.
    """

    def __init__(self, house: House, clock: HouseTime, hall: Hall) -> None:
        self._house = house
        self._clock = clock
        self._hall = hall
        self._out = Console()
        self.err = Console(stderr=True)
        self._live = Live(console=self.err, auto_refresh=False, transient=True, redirect_stdout=False)

    async def show(self, tally: Tally) -> None:
        """Keep the line up to date; one task, until cancelled."""
        if not self.err.is_terminal:
            while True:
                await asyncio.sleep(PLAIN_EVERY_S)
                self.err.print(self._line(tally), highlight=False, soft_wrap=True)
        with self._live:
            while True:
                self._live.update(
                    Text(self._line(tally), style="bold", no_wrap=True, overflow="ellipsis"), refresh=True
                )
                await asyncio.sleep(LIVE_EVERY_S)

    def tell(self, found: DayFigures, tally: Tally) -> None:
        """Print a day's figures. The line makes room for them: both end up on the same terminal."""
        shown = self._live.is_started
        if shown:
            self._live.stop()
        self._out.print(_waits(found))
        for line in _sentences(found, tally):
            self._out.print(line, highlight=False, soft_wrap=True)
        self._out.print()
        if shown:
            self._live.start()

    def message(self, said: str) -> None:
        """Print a message that was sent, above the line: all of it in one line, or on a terminal as much as
        fits into one, and its link, whole, in another. It begins with the house time at which it went out."""
        at, _, told = said.partition(" ")
        try:
            moment = instant(at)
        except ValueError:
            moment, told = self._clock.now(), said
        lines = [f"{to_datetime(moment, self._house.calendar.zone):%a %H:%M}  {told}"]
        if self.err.is_terminal and (link := _LINK.search(said)) is not None:
            lines = [lines[0].replace(link[0], ""), f"{'':11}{link[0]}"]
        for line in lines:
            if self.err.is_terminal:
                self.err.print(Text(line, style="dim"), no_wrap=True, overflow="ellipsis")
            else:
                self.err.print(Text(line), soft_wrap=True)

    def _line(self, tally: Tally) -> str:
        now = to_datetime(self._clock.now(), self._house.calendar.zone)
        seen = self._hall.seen
        if seen is None:
            return f"{now:%a %d %b %H:%M}  no view of the hall yet"
        at_work = sum(counter.mode == "open" for counter in seen.counters)
        serving = sum(counter.status == "serving" for counter in seen.counters)
        return (
            f"{now:%a %d %b %H:%M}  {seen.today.visits} visits  {seen.today.waiting} waiting  "
            f"{serving} in service  {at_work} counters  {tally.calls} calls  {tally.messages} messages"
        )


def _waits(found: DayFigures) -> Table:
    table = Table(title=f"{found.date}: {found.visits} visits", title_justify="left", box=None)
    for heading in ("", "people", "mean wait", "P50", "P90"):
        table.add_column(heading, justify="left" if heading == "" else "right")
    for name, waits in (("with appointment", found.with_appointment), ("without", found.without)):
        table.add_row(name, str(waits.people), *_minutes(waits))
    return table


def _sentences(found: DayFigures, tally: Tally) -> Iterator[str]:
    booked = max(found.appointments, 1)
    yield f"by appointment {found.by_appointment} of {found.visits} visits ({found.by_appointment_share:.0%})"
    yield (
        f"late or missed {found.late_or_missed:.1%} of {found.appointments} appointments "
        f"(late {found.late / booked:.1%}, never {found.never / booked:.1%}); "
        f"{found.cancelled} more cancelled"
    )
    yield f"of those reminded {_failing(found.reminded)}, of the others {_failing(found.unreminded)}"
    said = ", ".join(f"{what} {n}" for what, n in sorted(tally.answers.items())) or "none"
    yield f"{tally.messages} messages since the last evening; answers by their link: {said}"
    yield (
        f"served {found.served}, left {found.left}, not present {found.not_present}, "
        f"not served {found.in_house}; {found.calls} calls; {tally.ratings} said how it was"
    )
    if tally.refusals:
        met = ", ".join(f"{code} {n}x" for code, n in sorted(tally.refusals.items()))
        yield f"refused by the server: {met}"


def _failing(these: Failing) -> str:
    return f"{these.failed} of {these.of} ({these.share:.1%})"


def _minutes(waits: Waits) -> tuple[str, ...]:
    return tuple(
        f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
        for seconds in (waits.mean_s, waits.p50_s, waits.p90_s)
    )
