"""The announcer: looks at the hall, and plans what there is to tell people live, each thing once.

One a process; any number may work on one database, which alone decides what was planned before. Only who
left an address costs it anything, and the database hears nothing as long as there is nothing new.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec
import sqlalchemy as sa

from notify import planner
from notify.notices import DELAYED, Moment, Notice, later, wanted
from server import database as db
from server.database import Database, Unavailable
from server.domain.appointment import Appointment
from server.domain.refusal import Refused

log = logging.getLogger("onthaal.notify")

LOOK_S = 2.0
"""How often the hall is looked at because time has passed, in real seconds."""

LOOK_HOUSE_S = 30.0
"""The same in house seconds, where house time runs fast."""

BETWEEN_S = 0.5
"""What lies at least between two looks, in real seconds: many changes come at once."""

ASK_AGAIN_S = 10.0
"""Who had no address may give one later: how often the database is asked for it, in real seconds."""

Look = Callable[[str], Moment]
"""A site's day as it stands now, by the site's name."""

Delay = Callable[[str, Appointment, int], Awaitable[int | None]]
"""Names a later time for an appointment of a site, durably, and answers which time stands then."""


class Announcer:
    """Plans the live notices of ``sites``; ``wake`` tells who sends them that something is due."""

    def __init__(
        self,
        database: Database,
        sites: Sequence[str],
        look: Look,
        delay: Delay,
        wake: Callable[[], None] = lambda: None,
        speed: float = 1.0,
    ) -> None:
        self._database = database
        self._sites = sites
        self._look = look
        self._delay = delay
        self._wake = wake
        self._every_s = max(BETWEEN_S, min(LOOK_S, LOOK_HOUSE_S / speed if speed else LOOK_S))
        self._news = asyncio.Event()
        # By site the day, and by delivery when to ask about it next, in monotonic seconds: inf is never.
        self._dates: dict[str, str] = {}
        self._next: dict[str, dict[str, float]] = {name: {} for name in sites}

    def changed(self) -> None:
        """Say that a site's day has changed."""
        self._news.set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self._news.clear()
            for site in self._sites:
                try:
                    await self.announce(site)
                except Unavailable as error:
                    log.warning("the notices of %s wait: %s", site, error)
                except Exception:
                    # The hall goes on without notices rather than not at all.
                    log.exception("the notices of %s could not be planned", site)
            await asyncio.sleep(BETWEEN_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s - BETWEEN_S):
                    await self._news.wait()

    async def announce(self, site: str) -> int:
        """Plan what there is to tell at a site now and was not planned before; how many notices those are.

        Raises ``Unavailable``; what was not planned by then is, the next time.
        """
        moment, asked_at = self._look(site), time.monotonic()
        if self._dates.get(site) != moment.day.date:
            self._dates[site], self._next[site] = moment.day.date, {}
        ask = self._next[site]
        fresh = [notice for notice in wanted(moment) if ask.get(notice.id, 0.0) <= asked_at]
        if not fresh:
            return 0
        planned, reachable = await self._database.read(lambda connection: _known(connection, moment, fresh))
        ask.update(dict.fromkeys(planned, math.inf))
        told: list[Notice] = []
        for notice in fresh:
            if notice.id in planned:
                continue
            named = await self._named(site, moment, notice) if notice.subject in reachable else None
            if named is None:
                ask[notice.id] = asked_at + ASK_AGAIN_S
            else:
                told.append(named)
        if not told:
            return 0
        await self._database.write(lambda connection: _plan(connection, site, moment.now, told))
        ask.update((each.id, math.inf) for each in told)
        self._wake()
        return len(told)

    async def _named(self, site: str, moment: Moment, notice: Notice) -> Notice | None:
        """The notice as it is to be planned: a later time is committed before anybody hears of it."""
        if notice.kind != DELAYED or notice.about.later is None:
            return notice
        known = moment.day.appointments[notice.subject]
        if known.told_at is not None:
            return notice
        try:
            stands = await self._delay(site, known, notice.about.later)
        except Refused:
            return None  # reported or cancelled meanwhile
        if stands is None:
            return None
        return later(known, stands)


def _known(connection: sa.Connection, moment: Moment, notices: Sequence[Notice]) -> tuple[set[str], set[str]]:
    """Which of these are planned already, and whose address is kept, by the visit or its appointment."""
    visits = moment.day.visits
    behind = {
        each.subject: {each.subject, getattr(visits.get(each.subject), "appointment", None) or each.subject}
        for each in notices
    }
    rows = connection.execute(
        sa.select(db.delivery.c.id).where(db.delivery.c.id.in_([each.id for each in notices]))
    )
    planned = {row.id for row in rows}
    asked = set().union(*behind.values())
    found = connection.execute(sa.select(db.contact.c.subject).where(db.contact.c.subject.in_(asked)))
    kept = {row.subject for row in found}
    return planned, {subject for subject, names in behind.items() if names & kept}


def _plan(connection: sa.Connection, site: str, now: int, notices: Iterable[Notice]) -> None:
    rows = [
        planner.row_of(
            each.id,
            site,
            each.subject,
            each.kind,
            each.step,
            now,
            now,
            each.until,
            slot_at=each.slot_at,
            about=msgspec.json.encode(each.about).decode(),
        )
        for each in notices
    ]
    # Another process may have been faster: theirs stands.
    connection.execute(sa.text(db.insert_new(db.delivery, rows[0])), rows)
