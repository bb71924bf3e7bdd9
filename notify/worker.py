"""The worker: plans what the journal tells, sends what is due, records what became of it.

One a process; any number may work on one database. APScheduler only ticks: it holds no job that a
restart could lose. What is claimed and not recorded when a process dies is sent again once its lease is
over, which is the one moment in which a message can go out twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from notify import planner
from notify.channels import Accepted, Channel, Message, Receipt, TryLater, Undeliverable
from notify.delivery import State
from notify.ledger import Claim, Ledger, Result
from server.clock import HouseClock, real_now
from server.database import Database, Unavailable
from server.domain.house import House
from server.keys import Keys

log = logging.getLogger("onthaal.notify")

TICK_S = 0.5
"""How often it is asked whether something is due, in real seconds."""

WAITING = 1000
"""Results that wait to be recorded at most; beyond it nothing more is sent."""

RECORDED_AT_ONCE = 100

HEARD_S = 9.0
"""How long a gateway may wait for its receipt to be taken down, in real seconds."""

BETWEEN_S = 0.005
"""What planning leaves the database to others between two pieces, in real seconds."""

LOOK_S = 1.0
"""How often the journal is looked at without anybody saying that it has grown, in real seconds."""

GATHER_S = 0.05
"""How long to wait for more room before the next claim, in real seconds: a transaction for each message
would cost more than the message."""

ENDS_WITHIN_S = 8.0
"""How long what is on its way may take to end when the server stops, in real seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What carries a channel's messages, and how: ``at_once`` of them, each for ``timeout_s`` at most.

    Who is not known to be reached after ``reach_within_s`` is written to through the next channel; 0: never.
    ``part_price`` is in millionths of the currency.
    """

    channel: Channel
    at_once: int = 64
    timeout_s: float = 10.0
    reach_within_s: float = 0.0
    part_price: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A message made from its template; ``kept`` is what staff who may can read later."""

    message: Message
    kept: bytes
    parts: int | None = None


Write = Callable[[Claim, House, int], Written]
"""Makes the message of a claim, given its house and house time. Raises what means a broken template."""


@dataclass(slots=True)
class _Told:
    """Receipts on their way into the ledger, and whoever waits for that."""

    receipts: list[Receipt]
    kept: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class Flight:
    """What is on its way through each channel."""

    count: dict[str, int] = field(default_factory=dict)

    def free(self, carriers: Mapping[str, Carrier]) -> dict[str, int]:
        return {name: each.at_once - self.count.get(name, 0) for name, each in carriers.items()}


class Worker:
    """Sends a server's messages. ``write`` makes their texts, ``carriers`` take them, by channel."""

    def __init__(
        self,
        database: Database,
        clock: HouseClock,
        houses: Mapping[str, House],
        keys: Keys,
        carriers: Mapping[str, Carrier],
        write: Write,
    ) -> None:
        self._database = database
        self._clock = clock
        self._houses = houses
        self._keys = keys
        self._carriers = carriers
        self._write = write
        self._ledger = Ledger(houses, keys, {name: each.reach_within_s for name, each in carriers.items()})
        # A lease outlives the send's timeout, and the time that its record may take.
        self.lease_s = 2 * max(each.timeout_s for each in carriers.values()) + 1
        self._tick = asyncio.Event()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._results: asyncio.Queue[Result] = asyncio.Queue(WAITING)
        self._receipts: asyncio.Queue[_Told] = asyncio.Queue(WAITING)
        self._flight = Flight()
        self._held: set[str] = set()
        """Deliveries that are on their way or whose result is not written down yet."""
        self._luck = random.Random()

    def wake(self) -> None:
        """Say that the journal has grown, or that something is due at once."""
        self._news.set()
        self._tick.set()

    async def next_due(self, after: int) -> int | None:
        """When, later than ``after``, the first message not sent yet is due. Raises ``Unavailable``."""
        return await self._database.read(lambda c: self._ledger.next_due(c, after, real_now()))

    async def run(self) -> None:
        """Work until cancelled; what is on its way by then is still recorded, within ``ENDS_WITHIN_S``."""
        async with self._ticking(), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._plan(), name="planner")
            tasks.create_task(self._hear(), name="receipts")
            tasks.create_task(self._send_and_record(), name="sender")

    async def receive(self, receipts: Iterable[Receipt]) -> None:
        """Follow what gateways say of deliveries; durable when this returns.

        Raises ``Unavailable`` where that cannot be now: the gateway comes again.
        """
        told = _Told(list(receipts))
        try:
            self._receipts.put_nowait(told)
        except asyncio.QueueFull:
            raise Unavailable("too many receipts at once") from None
        try:
            async with asyncio.timeout(HEARD_S):
                await told.kept
        except TimeoutError as error:
            raise Unavailable("no answer in time") from error

    async def _hear(self) -> None:
        """Take receipts down, many in one transaction: ten thousand may come in a minute, each twice."""
        while True:
            group = [await self._receipts.get()]
            while len(group) < RECORDED_AT_ONCE and not self._receipts.empty():
                group.append(self._receipts.get_nowait())
            receipts = [receipt for told in group for receipt in told.receipts]
            failed: Exception | None = None
            try:
                await self._database.write(
                    partial(self._ledger.receive, receipts=receipts, now=self._clock.now(), real=real_now())
                )
            except asyncio.CancelledError:
                for told in group:
                    told.kept.cancel()
                raise
            except Exception as error:
                # Whoever told us hears of it and comes again; what the others tell goes on.
                if not isinstance(error, Unavailable):
                    log.exception("%d receipts could not be taken down", len(receipts))
                failed = error
            for told in group:
                if told.kept.done():
                    continue
                if failed is None:
                    told.kept.set_result(None)
                else:
                    told.kept.set_exception(failed)
            self._tick.set()

    # --- planning ---------------------------------------------------------------------------------

    async def _plan(self) -> None:
        anew = set(self._houses)
        while True:
            self._news.clear()
            for name in list(anew):
                with self._going_on("planning anew"):
                    await self._renew(self._houses[name])
                    anew.discard(name)
            for house in self._houses.values():
                with self._going_on("planning"):
                    more = True
                    while more:
                        more = await self._advance(house)
                        # Live commands come between two pieces.
                        await asyncio.sleep(BETWEEN_S)
            self._tick.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()

    async def _advance(self, house: House) -> bool:
        return await self._database.write(
            lambda connection: planner.advance(connection, house, self._clock.now(), self._keys)
        )

    async def _renew(self, house: House) -> None:
        """Plan anew, once, where the configured ladder has changed since a restart."""
        after: tuple[int, str] | None = (self._clock.now(), "")
        while after is not None:
            after = await self._database.write(
                partial(planner.renew, house=house, now=self._clock.now(), after=after, keys=self._keys)
            )
            await asyncio.sleep(BETWEEN_S)

    # --- sending ----------------------------------------------------------------------------------

    async def _send_and_record(self) -> None:
        recorder = asyncio.create_task(self._record(), name="recorder")
        sends: set[asyncio.Task[None]] = set()
        try:
            while True:
                await self._tick.wait()
                self._tick.clear()
                if recorder.done():
                    recorder.result()
                with self._going_on("sending"):
                    while await self._claim(sends):
                        pass
        finally:
            await self._land(sends, recorder)

    async def _claim(self, sends: set[asyncio.Task[None]]) -> bool:
        """Claim and send what there is room for; whether to look again at once."""
        now, real = self._clock.now(), real_now()
        if not await self._database.read(lambda c: self._ledger.anything_due(c, now, real)):
            return False
        free = self._flight.free(self._carriers)

        def work(connection: sa.Connection) -> list[Claim]:
            while self._ledger.give_up_waiting(connection, now, real):
                pass
            return self._ledger.claim(connection, now, real, free, self.lease_s, list(self._held))

        self._room.clear()
        for claim in await self._database.write(work):
            self._held.add(claim.id)
            self._flight.count[claim.channel] = self._flight.count.get(claim.channel, 0) + 1
            task = asyncio.create_task(self._send(claim), name=f"send {claim.id}")
            sends.add(task)
            task.add_done_callback(sends.discard)
        if not sends:
            return False
        with contextlib.suppress(TimeoutError):
            # One channel may be full for long while another has room: its next message comes with a tick.
            async with asyncio.timeout(TICK_S):
                await self._room.wait()
        await asyncio.sleep(GATHER_S)
        return True

    async def _send(self, claim: Claim) -> None:
        """One attempt, whatever becomes of it, to its result."""
        carrier = self._carriers[claim.channel]
        try:
            result = await self._attempt(claim, carrier)
        finally:
            self._flight.count[claim.channel] -= 1
            self._room.set()
        await self._results.put(result)

    async def _attempt(self, claim: Claim, carrier: Carrier) -> Result:
        luck = self._luck.random()
        try:
            written = self._write(claim, self._houses[claim.site], self._clock.now())
        except Exception as error:
            # A broken template stays broken: this message fails, with its reason, and no other waits for it.
            log.exception("the %s of %s could not be written", claim.kind, claim.id)
            return Result(
                claim=claim, state=State.FAILED, code=f"template: {type(error).__name__}", luck=luck
            )
        try:
            async with asyncio.timeout(carrier.timeout_s):
                accepted: Accepted = await carrier.channel.send(written.message)
        except TryLater as error:
            return Result(claim=claim, state=State.PLANNED, code=error.code, after_s=error.after_s, luck=luck)
        except Undeliverable as error:
            return Result(claim=claim, state=State.FAILED, code=error.code, gone=error.gone, luck=luck)
        except TimeoutError:
            return Result(claim=claim, state=State.PLANNED, code="timeout", luck=luck)
        except Exception as error:
            log.exception("the channel %s failed in a way that it should not", claim.channel)
            return Result(claim=claim, state=State.PLANNED, code=type(error).__name__, luck=luck)
        return Result(
            claim=claim,
            state=State.ACCEPTED,
            code=accepted.code,
            ref=accepted.ref,
            parts=written.parts,
            cost=None if written.parts is None else written.parts * carrier.part_price,
            sealed=self._keys.seal(written.kept, claim.id),
        )

    async def _record(self) -> None:
        """Write results down, many in one transaction, again and again until they are."""
        while True:
            results = [await self._results.get()]
            while len(results) < RECORDED_AT_ONCE and not self._results.empty():
                results.append(self._results.get_nowait())
            await self._write_down(results)
            for result in results:
                self._held.discard(result.claim.id)
                self._results.task_done()
            self._tick.set()

    async def _write_down(self, results: list[Result]) -> None:
        pause_s = 0.1
        while True:
            try:
                await self._database.write(
                    lambda connection: self._ledger.record(connection, results, self._clock.now(), real_now())
                )
                return
            except Unavailable as error:
                log.warning("what became of %d messages waits to be recorded: %s", len(results), error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 5.0)
            except Exception:
                # A bug in one must not take the others with it: each is tried alone, and left to its lease.
                if len(results) == 1:
                    log.exception("what became of %s could not be recorded", results[0].claim.id)
                    return
                for result in results:
                    await self._write_down([result])
                return

    async def _land(self, sends: set[asyncio.Task[None]], recorder: asyncio.Task[None]) -> None:
        """Let what is on its way end and be recorded; what takes too long is left to its lease."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDS_WITHIN_S):
                    while sends:
                        await asyncio.wait(set(sends))
                    await self._results.join()
        finally:
            for task in (*sends, recorder):
                task.cancel()
            await asyncio.gather(*sends, recorder, return_exceptions=True)

    # --- beside it --------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_job(
            self._on_tick,
            IntervalTrigger(seconds=TICK_S),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)

    async def _on_tick(self) -> None:
        self._tick.set()

    @contextlib.contextmanager
    def _going_on(self, what: str) -> Iterator[None]:
        """A database that takes no work now does not end the worker: the next tick asks again."""
        try:
            yield
        except Unavailable as error:
            log.warning("%s waits: %s", what, error)
