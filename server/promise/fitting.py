"""A site's model learned anew when its day has ended, in a process of its own; then it is loaded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from server.database import Database, Unavailable
from server.domain.day import Day
from server.promise import store

log = logging.getLogger("onthaal.fitting")

LONGEST_S = 3600.0
"""A fit that takes longer is ended, in real seconds."""

NICER = 10
"""How much the child steps back where others want the processor."""

COMMAND = f"import os, sys; os.nice({NICER}); from server.__main__ import cli; cli(sys.argv[1:])"


class Fitting:
    """Has the models of these sites learned anew. ``fitted`` is called when a site has a new one."""

    def __init__(
        self,
        database: Database,
        url: str,
        sites: Iterable[str],
        fitted: Callable[[str], Awaitable[None]],
        longest_s: float = LONGEST_S,
    ) -> None:
        self._database = database
        self._url = url
        self._fitted = fitted
        self._longest_s = longest_s
        self._ended: dict[str, str] = {}
        self._tried: dict[str, str] = dict.fromkeys(sites, "")
        self._woken = asyncio.Event()

    def changed(self, site: str, day: Day) -> None:
        """What a site's day is now: when it has ended, there is more to learn from."""
        if day.ended and day.date and self._ended.get(site) != day.date:
            self._ended[site] = day.date
            self._woken.set()

    async def run(self) -> None:
        """One task, until cancelled: one site after the other."""
        while True:
            self._woken.clear()
            for site, date in list(self._ended.items()):
                if self._tried[site] != date:
                    self._tried[site] = date
                    await self._fit(site, date)
            await self._woken.wait()

    async def _fit(self, site: str, date: str) -> None:
        try:
            worth = partial(store.worth_learning, site=site, date=date)
            if not await self._database.read(worth):
                return
            if await self._learned(site, date):
                await self._fitted(site)
        except (Unavailable, OSError) as error:
            log.warning("%s: no new forecast model tonight: %s", site, error)
        except Exception:
            log.exception("%s: no new forecast model tonight", site)

    async def _learned(self, site: str, date: str) -> bool:
        """Whether the child kept a new model; why not is told."""
        words = ("forecast", "fit", "--site", site, "--to", date, "--database", self._url)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", COMMAND, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            # Not of the terminal's group: Ctrl-C is for the server, which ends its child itself.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._longest_s):
                _out, told = await child.communicate()
        except TimeoutError:
            log.warning("%s: learning took longer than %s s and was ended", site, self._longest_s)
            return False
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        last = told.decode(errors="replace").strip().splitlines()[-1:]
        log.info("%s: %s", site, last[0] if last else "a new forecast model")
        return child.returncode == 0
