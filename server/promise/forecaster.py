"""The forecasts of a running house: made anew as its halls change, in a thread, at most once a second.

What the hall is told lives as instants: between two forecasts a wait runs down with the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from server.clock import HouseClock
from server.database import Database
from server.domain.foreseen import Foreseen
from server.domain.house import House
from server.live import Site
from server.promise import store

if TYPE_CHECKING:
    from server.promise.forecast import Forecast

log = logging.getLogger("onthaal.forecaster")

EVERY_S = 1.0
"""A site is forecast at most so often, in real seconds."""

RENEW_S = 10.0
"""How often where nothing happens: who waits longer than expected is told so. Real seconds."""


SHARE = 5
"""A forecast is followed by so many times its own time without one: a crowded hall must not take a core."""


class _Head:
    """What is known of a site: its model, what it said last, and whether it is to be asked again."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.forecast: Forecast | None = None
        self.said: Foreseen | None = None
        self.due = True
        self.made_at = time.monotonic() - RENEW_S
        self.took_s = 0.0
        self.failing = False

    @property
    def rests_s(self) -> float:
        """How long until it is forecast again, in real seconds."""
        every_s = max(EVERY_S if self.due else RENEW_S, SHARE * self.took_s)
        return max(0.0, self.made_at + every_s - time.monotonic())


class Forecaster:
    """Forecasts the halls of these sites. ``shown`` is called, in the loop, when one has been made."""

    def __init__(
        self, database: Database, clock: HouseClock, sites: Iterable[Site], shown: Callable[[Site], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._heads = {site.house.site: _Head(site) for site in sites}
        self._shown = shown
        self._woken = asyncio.Event()

    def foreseen(self, site: str) -> Foreseen | None:
        """What was said last of a site; None where the plain forecast is to be told."""
        return self._heads[site].said

    def changed(self, site: Site) -> None:
        """A site's day has changed: forecast it soon."""
        head = self._heads[site.house.site]
        head.due = True
        if head.forecast is not None:
            self._woken.set()

    async def load(self) -> None:
        """Go on with the models that are kept; one that cannot be read is left alone, and said so."""
        for name in self._heads:
            await self.reload(name)

    async def reload(self, name: str) -> None:
        """Take a site's model from the database, if it has one that this version can go on with."""
        kept = await self._database.read(partial(store.read, site=name))
        if kept is None:
            return
        head = self._heads[name]
        try:
            head.forecast = await asyncio.to_thread(_opened, head.site.house, kept)
        except Exception as error:
            log.warning("%s: the plain forecast goes on: %s", name, error)
            return
        head.due = True
        self._woken.set()
        log.info("%s: waits are forecast by what was learned up to %s", name, kept.last_day)

    async def run(self) -> None:
        """One task, until cancelled."""
        while True:
            self._woken.clear()
            for head in self._heads.values():
                if head.forecast is not None and head.rests_s == 0:
                    await self._forecast(head, head.forecast)
            rests = [head.rests_s for head in self._heads.values() if head.forecast is not None]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(rests, default=RENEW_S)):
                    await self._woken.wait()

    async def _forecast(self, head: _Head, forecast: Forecast) -> None:
        site = head.site
        head.due, head.made_at = False, time.monotonic()
        now = max(self._clock.now(), site.day.at)
        try:
            head.said = await asyncio.to_thread(forecast.made, site.day, now, head.said)
            head.failing = False
        except Exception:
            # Told once: a hall that cannot be forecast now may not be in a second either.
            if not head.failing:
                log.exception("%s: no forecast, the plain one is told", site.house.site)
            head.said, head.failing = None, True
        head.took_s = time.monotonic() - head.made_at
        try:
            self._shown(site)
        except Exception:
            log.exception("a forecast of %s could not be shown", site.house.site)


def _opened(house: House, kept: store.Kept) -> Forecast:
    """The model at work. NumPy is loaded here: a house without a model has no use for it."""
    from server.promise.forecast import Forecast

    return Forecast(house, kept)
