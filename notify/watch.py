"""The watch: looks at each site, and tells its supervisors what is wrong, each thing once until it clears.

One a process; any number may work on one database, which alone decides what was raised before. It looks at
most once a second; the database hears nothing as long as nothing begins, ends, or has stood for long.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from notify import alarms
from notify.alarms import Cause, Key, Row
from notify.failing import failing
from server.clock import HouseClock
from server.database import Database, Unavailable
from server.domain.alerts import Failing
from server.domain.house import House
from server.domain.schedule import SECOND

log = logging.getLogger("onthaal.notify")

LOOK_S = 1.0
"""How often the house is looked at, in real seconds."""

ASK_S = 10.0
"""How often the ledger is asked whether messages fail, in real seconds."""

Look = Callable[[str], Sequence[Cause]]
"""All that is wrong at a site now that somebody is to be told of, by the site's name."""


class Watch:
    """Raises, tells and clears the alerts of ``houses``; ``wake`` tells who sends that something is due."""

    def __init__(
        self,
        database: Database,
        clock: HouseClock,
        houses: Mapping[str, House],
        look: Look,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._houses = houses
        self._look = look
        self._wake = wake
        self._failing: dict[str, tuple[Failing, ...]] = {}
        self._asked: dict[str, float] = {}
        # By site: since when each cause is seen without a break, and what the database last said stands.
        self._seen: dict[str, dict[Key, int]] = {name: {} for name in houses}
        self._standing: dict[str, dict[Key, Row]] = {}

    def failing(self, site: str) -> tuple[Failing, ...]:
        """Which channels carry no messages, as the ledger said last."""
        return self._failing.get(site, ())

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            for site in self._houses:
                try:
                    await self.watch(site)
                except Unavailable as error:
                    log.warning("the alerts of %s wait: %s", site, error)
                except Exception:
                    # The hall goes on without alerts rather than not at all.
                    log.exception("the alerts of %s could not be looked at", site)
            await asyncio.sleep(LOOK_S)

    async def watch(self, site: str) -> None:
        """Look at a site once. Raises ``Unavailable``; what was not kept by then is, the next time."""
        await self._ask(site)
        now, numbers = self._clock.now(), self._houses[site].alerts
        causes = {cause.key: cause for cause in self._look(site)}
        before = self._seen[site]
        seen = self._seen[site] = {key: before.get(key, now) for key in causes}
        if site not in self._standing:
            self._standing[site] = await self._database.read(lambda c: alarms.standing(c, site))
        known = self._standing[site]
        ripe = [key for key in seen if key not in known and now - seen[key] >= numbers.tell_after_s * SECOND]
        old = [
            row
            for key, row in known.items()
            if now - row.seen_at
            >= (alarms.look_s(numbers) if key in causes else numbers.clears_after_s) * SECOND
        ]
        if not ripe and not old:
            return
        self._standing[site] = await self._database.write(
            lambda c: alarms.write(c, site, numbers, now, causes.values(), ripe)
        )
        self._wake()

    async def _ask(self, site: str) -> None:
        asked_at = time.monotonic()
        if asked_at - self._asked.get(site, -ASK_S) < ASK_S:
            return
        numbers, now = self._houses[site].alerts, self._clock.now()
        self._failing[site] = await self._database.read(lambda c: failing(c, site, numbers, now))
        self._asked[site] = asked_at
