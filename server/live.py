"""Execute: decide, append, fold, publish. The live state of every site, and its one committer.

The committer takes what has gathered into one transaction (``server.group``). Nothing of a group is
kept, answered or shown before its commit. If the commit meets a journal that has moved on, or a
command that was answered before, the group is thrown away, the site catches up, and the rest is
decided again: the loser of a race for "next" gets the next person.
``docs/decisions/one-group-one-commit.md`` says what follows from this.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from server import journal
from server.clock import HouseClock
from server.database import Database, Unavailable
from server.domain import commands as co
from server.domain.day import Day
from server.domain.events import Entry
from server.domain.fold import evolve
from server.domain.hall import due
from server.domain.house import House
from server.group import Decided, Group, Key, KeyReused, Request, Stale

__all__ = ["Decided", "Key", "KeyReused", "Live", "Request", "Site", "housekeeping"]

log = logging.getLogger("onthaal.live")

GROUP = 32
"""Commands in one transaction at most: deciding them takes a few milliseconds of the loop."""

QUEUE = 1000
"""Commands waiting for the committer at most; beyond it the server says that it is full."""

EXECUTE_S = 10.0
"""How long a command may wait for its answer, in real seconds. A retry finds what became of it."""

CATCH_UP = 500
"""Entries of others that are read and folded at once: some milliseconds of the loop."""

FOLLOW_S = 1.0
"""How often the journal is asked whether another process appended to it, in real seconds."""

ATTEMPTS = 20
SEQS_KEPT = 512


class Site:
    """A site's house and its committed day. ``accepted`` maps recent seqs to real monotonic seconds."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.day = Day()
        self.accepted: OrderedDict[int, float] = OrderedDict()

    def note_accepted(self, seq: int, accepted: float) -> None:
        """Remember when the command behind a seq was accepted, for the glass latency."""
        self.accepted[seq] = accepted
        while len(self.accepted) > SEQS_KEPT:
            self.accepted.popitem(last=False)


class Live:
    """All sites of this process. ``changed`` is called, in the loop, after each commit that changed one."""

    def __init__(
        self,
        database: Database,
        clock: HouseClock,
        houses: dict[str, House],
        changed: Callable[[Site], None] = lambda _site: None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.sites = {name: Site(house) for name, house in houses.items()}
        self.changed = changed
        self._queue: asyncio.Queue[Request] = asyncio.Queue(QUEUE)
        self._left: list[Request] = []

    async def load(self) -> None:
        """Fold each site's newest day from the journal, and set the clock not behind it."""
        for name, site in self.sites.items():
            site.day = await self.database.read(partial(journal.today, site=name))
            self.clock.not_before(site.day.at)

    async def execute(self, request: Request) -> bytes:
        """The stored answer of a command, once it is durable.

        Raises ``Refused``, :class:`KeyReused`, or ``Unavailable`` where the server is full or slow; after
        ``Unavailable`` the same key may be sent again and is carried out at most once.
        """
        try:
            self._queue.put_nowait(request)
        except asyncio.QueueFull as error:
            raise Unavailable("too many commands at once") from error
        try:
            async with asyncio.timeout(EXECUTE_S):
                return await asyncio.shield(request.future)
        except TimeoutError as error:
            raise Unavailable("no answer in time") from error

    async def run(self) -> None:
        """The committer: one task, until cancelled; what it had taken by then is still committed."""
        try:
            while True:
                work = asyncio.ensure_future(self._commit(await self._gather()))
                try:
                    await asyncio.shield(work)
                except asyncio.CancelledError:
                    await work
                    raise
        finally:
            while not self._queue.empty():
                self._left.append(self._queue.get_nowait())
            for request in self._left:
                request.settle(Unavailable("the server is going away"))

    async def keep_time(self, every_s: float = 0.25) -> None:
        """Ask the committer to open and end days when the clock says so; one task, until cancelled."""
        while True:
            for name, site in self.sites.items():
                if due(site.house, site.day, max(self.clock.now(), site.day.at)):
                    # What went wrong has been logged, and the clock asks again.
                    with contextlib.suppress(Exception):
                        await self.execute(housekeeping(name))
            await asyncio.sleep(every_s)

    async def follow(self, every_s: float = FOLLOW_S) -> None:
        """Notice what another process appended, also where no command meets it; one task, until cancelled."""
        names = list(self.sites)
        while True:
            with contextlib.suppress(Exception):
                heads = await self.database.read(
                    lambda connection: {name: journal.head(connection, name) for name in names}
                )
                for name, head in heads.items():
                    if head > self.sites[name].day.seq:
                        # The committer alone moves a day. What it has committed meanwhile is no news to it.
                        await self.execute(housekeeping(name))
            await asyncio.sleep(every_s)

    async def catch_up(self, name: str) -> None:
        """Read what others appended to a site's journal, and show it.

        In pieces: a hundred thousand entries at once would hold the loop for seconds.
        """
        site = self.sites[name]
        before = site.day.seq
        whole = False
        while not whole:

            def read(connection: sa.Connection, after: int = site.day.seq) -> list[Entry]:
                return list(journal.read(connection, name, after, CATCH_UP))

            entries = await self.database.read(read)
            for entry in entries:
                site.day = evolve(site.day, entry)
            whole = len(entries) < CATCH_UP
        if site.day.seq > before:
            self._show(site)

    def _show(self, site: Site) -> None:
        """Tell that a site has changed. What is committed stays so, whatever telling it leads to."""
        try:
            self.changed(site)
        except Exception:
            log.exception("a change of %s could not be shown", site.house.site)

    async def _gather(self) -> list[Request]:
        """What waits, in order; of commands on one key or one appointment only the first."""
        waiting = self._left or [await self._queue.get()]
        while len(waiting) < GROUP and not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        group: list[Request] = []
        self._left = []
        seen: set[tuple[str, ...]] = set()
        for request in waiting:
            marks: set[tuple[str, ...]] = set()
            if request.key is not None:
                marks.add(("key", request.site, request.key.token, request.key.key))
            if request.ref is not None:
                marks.add(("ref", request.site, request.ref))
            (self._left if marks & seen else group).append(request)
            seen |= marks
        return group

    async def _commit(self, requests: list[Request]) -> None:
        """Carry a group out and answer every request of it, whatever goes wrong."""
        try:
            await self._carry_out(requests)
        except Unavailable as error:
            log.warning("%d commands could not be committed: %s", len(requests), error)
            for request in requests:
                request.settle(error)
        except Exception as error:
            # A bug in one command must not take the others with it: each is tried alone.
            unanswered = [request for request in requests if not request.future.done()]
            if len(requests) == 1:
                log.exception("a command failed")
                requests[0].settle(error)
            else:
                for request in unanswered:
                    await self._commit([request])

    async def _carry_out(self, requests: list[Request]) -> None:
        for _attempt in range(ATTEMPTS):
            requests = await self._try(requests)
            if not requests:
                return
        raise Unavailable("the journal moves faster than this server can follow")

    async def _try(self, requests: list[Request]) -> list[Request]:
        """One attempt; returns the requests that are to be decided again."""
        days = {name: (site.house, site.day) for name, site in self.sites.items()}
        group = Group(requests, days, self.clock.now())
        if group.must_read:
            await self.database.read(group.read)
        group.decide()
        try:
            answered = await self.database.write(group.write)
        except Stale as stale:
            for name in stale.sites:
                await self.catch_up(name)
            return requests
        if answered:
            for request, (hashed, body) in answered.items():
                same = request.key is not None and request.key.hash == hashed
                request.settle(body if same else KeyReused())
            return [request for request in requests if request not in answered]
        for name, copy in group.copies.items():
            if copy.entries:
                site = self.sites[name]
                site.day = copy.day
                if copy.accepted is not None:
                    site.note_accepted(copy.day.seq, copy.accepted)
                self._show(site)
        for verdict in group.verdicts:
            verdict.request.settle(verdict.result)
        return []


def housekeeping(site: str) -> Request:
    """A request that only lets the committer open or end the day."""
    return Request(site, build=lambda _known: co.EndDay(), answer=lambda _decided: b"")
