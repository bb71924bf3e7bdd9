"""The only place that puts the parts together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import uvicorn
from starlette.types import ASGIApp

from displays.alerts import REMINDERS, alerts, quiet
from displays.day import DayModel
from displays.protocol import RECEIPT_BYTES
from notify import alert_text, assignment, contacts, messages, webhook_ledger
from notify.alarms import Cause
from notify.announcer import Announcer
from notify.carriers import Carriers
from notify.watch import Watch
from notify.webhooks import Webhooks
from notify.worker import Worker
from notify.write import Writer
from server import accounts, devices, house_time, metrics, schema
from server import database as db
from server.access import Doorkeeper
from server.accounts import Accounts
from server.analyst import Analyst
from server.clock import HouseClock, real_now
from server.configuration import channels, current
from server.database import Database, Unavailable
from server.domain import commands as co
from server.domain.appointment import Appointment
from server.domain.house import House
from server.domain.schedule import SECOND, iso, to_datetime, to_instant
from server.figures.digests import Digester
from server.hub import FULL_AT, Hub
from server.keys import Keys, load_keys
from server.limits import Limit
from server.live import Decided, Live, Site
from server.live import Request as Command
from server.nights import Nights
from server.presence import Presence
from server.promise.fitting import Fitting
from server.promise.forecaster import Forecaster
from server.publisher import Publisher
from server.questions import Questions
from server.routes import application
from server.sockets import Sockets
from server.vapid import load_vapid
from server.web.endpoint import Parts, Pushing
from server.wire import LiveProtocol

log = logging.getLogger("onthaal.app")

ANSWERS_KEPT_S = 48 * 3600
SWEEP_S = 3600.0
GUESSES, GUESSES_S = 10, 600.0
"""Codes of devices that somebody may type and no device shows, within so many real seconds."""

LEAP_S = 3600
"""From how much later than asked for house time begins this is told, in house seconds."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve; see ``onthaal serve --help``."""

    database: str
    houses_from: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    house_time: int | None = None
    speed: float = 1.0
    skip_nights: bool = False
    max_viewers: int = FULL_AT
    hurry: tuple[int, float] | None = None
    show_messages: bool = False


@dataclass(frozen=True, slots=True)
class Onthaal:
    """A running server's parts."""

    parts: Parts
    hub: Hub
    sockets: Sockets
    webhooks: Webhooks
    worker: Worker
    carriers: Carriers
    announcer: Announcer
    digester: Digester
    forecaster: Forecaster
    fitting: Fitting
    watch: Watch
    questions: Questions
    nights: Nights | None

    def application(self) -> ASGIApp:
        """What answers requests."""
        return application(self.parts, self.sockets, self.worker, self.carriers, self.questions)

    async def work(self) -> None:
        """All that goes on beside requests; ends only when cancelled, or with the first that fails."""
        live = self.parts.live
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(live.run(), name="committer")
            tasks.create_task(live.keep_time(), name="time")
            tasks.create_task(live.follow(), name="follow")
            tasks.create_task(self.hub.run(), name="hub")
            tasks.create_task(self.parts.publisher.run(), name="publisher")
            tasks.create_task(self.sockets.recheck(), name="recheck")
            tasks.create_task(self.webhooks.run(), name="webhooks")
            tasks.create_task(self.worker.run(), name="worker")
            tasks.create_task(self.announcer.run(), name="announcer")
            tasks.create_task(self.digester.run(), name="digester")
            tasks.create_task(self.forecaster.run(), name="forecaster")
            tasks.create_task(self.fitting.run(), name="fitting")
            tasks.create_task(self.watch.run(), name="watch")
            tasks.create_task(self.questions.run(), name="questions")
            tasks.create_task(sweep(self.parts.database), name="sweep")
            if self.nights:
                tasks.create_task(self.nights.run(), name="nights")


@contextlib.asynccontextmanager
async def assembled(options: Options) -> AsyncIterator[Onthaal]:
    """Open the database and put everything together; closes the database at the end.

    Raises ``ConfigError``, ``BadUrl``, ``BadKey`` or ``RuntimeError`` with a message for who starts it.
    """
    database = Database(options.database)
    try:
        await database.write(schema.migrate)
        houses = await database.write(lambda connection: current(connection, options.houses_from))
        keys = load_keys(database.path)
        tables = await database.write(channels)
        vapid = load_vapid(database.path) if tables.push else None
        pushing = Pushing(vapid.public, tables.push.hosts) if vapid and tables.push else None
        await asyncio.to_thread(messages.prepare)
        await asyncio.to_thread(alert_text.prepare)
        clock = HouseClock(options.house_time, options.speed, options.hurry)
        carriers = Carriers(tables, vapid, shown=options.show_messages, now=clock.now)
        set_to = None if clock.follows else clock.now()
        await database.write(lambda connection: house_time.note(connection, set_to))
        known = Accounts(database, keys)
        analyst = Analyst(options.database)
        try:
            yield await _assemble(options, database, houses, keys, clock, known, pushing, carriers, analyst)
        finally:
            await analyst.aclose()
            known.close()
            await carriers.aclose()
    finally:
        database.close()


async def _assemble(
    options: Options,
    database: Database,
    houses: dict[str, House],
    keys: Keys,
    clock: HouseClock,
    known: Accounts,
    pushing: Pushing | None,
    carriers: Carriers,
    analyst: Analyst,
) -> Onthaal:
    public_url = (options.public_url or f"http://localhost:{options.port}").rstrip("/")
    hub = Hub()
    live = Live(database, clock, houses)
    began = clock.now()
    await live.load()
    if clock.now() - began > LEAP_S * SECOND:
        log.warning(
            "the house goes on where its journal ends, %s: that lies after the wanted start", iso(clock.now())
        )
    publisher = Publisher(live, hub, clock, Presence(clock.now))
    webhooks = Webhooks(database, keys, houses)
    write = Writer(keys, public_url, two_way=carriers.two_way)
    worker = Worker(database, clock, houses, keys, carriers.by_channel, write)

    announcer = Announcer(
        database,
        list(houses),
        lambda site: publisher.model(live.sites[site]),
        lambda site, known, to: name_later(live, site, known, to),
        wake=worker.wake,
        speed=clock.speed,
    )

    digester = Digester(database, houses)
    forecaster = Forecaster(database, clock, live.sites.values(), publisher.changed)
    await forecaster.load()
    publisher.foreseen = forecaster.foreseen
    fitting = Fitting(database, options.database, houses, forecaster.reload)
    for name, site in live.sites.items():
        fitting.changed(name, site.day)
    watch = Watch(
        database,
        clock,
        houses,
        lambda site: causes(publisher.model(live.sites[site])),
        wake=worker.wake,
    )
    publisher.failing = watch.failing

    def changed(site: Site) -> None:
        digester.changed(site.house.site, site.day)
        fitting.changed(site.house.site, site.day)
        forecaster.changed(site)
        publisher.changed(site)
        announcer.changed()
        webhooks.wake()
        worker.wake()

    live.changed = changed
    doorkeeper = Doorkeeper(database)
    guesses = Limit(GUESSES, GUESSES_S)
    parts = Parts(
        live,
        database,
        doorkeeper,
        publisher,
        keys,
        clock,
        public_url,
        known,
        guesses,
        pushing,
        analyst=analyst,
    )
    metrics.VIEWERS.set_function(lambda: hub.viewers)
    metrics.BLOCKED.set_function(lambda: len(hub.blocked))
    sockets = Sockets(live, hub, publisher, doorkeeper, keys, public_url, options.max_viewers)
    doorkeeper.changed = sockets.recheck_now
    fast = options.skip_nights or options.hurry is not None
    nights = Nights(live, clock, worker, skip=options.skip_nights) if fast else None
    questions = Questions(database.path)
    return Onthaal(
        parts,
        hub,
        sockets,
        webhooks,
        worker,
        carriers,
        announcer,
        digester,
        forecaster,
        fitting,
        watch,
        questions,
        nights,
    )


def causes(model: DayModel) -> list[Cause]:
    """What somebody is to be told of: all that is wrong, and while the hall sleeps reminders alone."""
    asleep = quiet(model)
    return [
        Cause(
            kind=alert.kind,
            subject=alert.service or alert.screen or alert.counter or alert.channel or "",
            since=to_instant(datetime.fromisoformat(alert.since)),
            count=alert.count,
            of=alert.of,
        )
        for alert in alerts(model)
        if alert.kind == REMINDERS or not asleep
    ]


async def name_later(live: Live, site: str, known: Appointment, to: int) -> int | None:
    """Name a later time for an appointment, and answer which time stands then. Raises ``Refused``."""
    stands: list[int | None] = []

    def answer(decided: Decided) -> bytes:
        stands.append(decided.day.appointments[known.id].told_at)
        return b""

    await live.execute(Command(site, build=lambda _known: co.Delay(known=known, to=to), answer=answer))
    return stands[-1]


async def sweep(database: Database) -> None:
    """Forget what is kept for a time only: answers, sessions, contact data."""
    while True:
        with contextlib.suppress(Unavailable):
            await database.write(_sweep)
        await asyncio.sleep(SWEEP_S)


def _sweep(connection: sa.Connection) -> None:
    now = real_now()
    connection.execute(db.answer.delete().where(db.answer.c.stored_at < now - ANSWERS_KEPT_S * SECOND))
    connection.execute(db.session.delete().where(db.session.c.expires_at <= now))
    devices.forget_codes(connection)
    accounts.forget_unknown(connection, now)
    contacts.sweep(connection)
    assignment.sweep(connection, to_datetime(now).date())
    webhook_ledger.sweep(connection)


async def serve(options: Options, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until told to stop by SIGINT or SIGTERM."""
    # The port first: who may not serve must not have written to another server's journal before it knows.
    sockets = await bound(options.host, options.port)
    async with contextlib.AsyncExitStack() as opened:
        for each in sockets:
            opened.enter_context(each)
        onthaal = await opened.enter_async_context(assembled(options))
        config = uvicorn.Config(
            onthaal.application(),
            host=options.host,
            port=options.port,
            loop="asyncio",
            http="httptools",
            ws=LiveProtocol,
            ws_max_size=RECEIPT_BYTES,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=4096,
            timeout_graceful_shutdown=5,
        )
        server = Announcing(config, ready)
        _spare_the_collector()
        work = asyncio.create_task(onthaal.work(), name="work")
        work.add_done_callback(lambda _task: setattr(server, "should_exit", True))
        try:
            await server.serve(sockets)
        finally:
            failed = work.done() and not work.cancelled()
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
        if failed or not server.started:
            raise RuntimeError("the server could not go on")


async def bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of ``host``, which does not listen yet. Raises ``RuntimeError``."""
    sockets: list[socket.socket] = []
    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _name, address in addresses:
            sockets.append(socket.socket(family, kind, protocol))
            sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sockets[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sockets[-1].bind(address)
    except OSError as error:
        for each in sockets:
            each.close()
        raise RuntimeError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return sockets


def _spare_the_collector() -> None:
    """Keep the garbage collector from going through all of a day's values again and again.

    They hold no cycles, so nearly all garbage goes by counting; what is loaded by now stays for ever.
    A full collection in between takes tens of milliseconds, which every screen would feel.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


class Announcing(uvicorn.Server):
    """uvicorn's server, saying when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop when asked, and then go on to close everything: uvicorn would raise the signal again."""
        loop, asked = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in asked:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in asked:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
