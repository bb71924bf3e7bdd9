"""Outgoing webhooks, as the Standard Webhooks specification has them: other systems hear what happened.

One task lays each site's journal out in deliveries, in the transaction that moves the cursor, and sends
what is due. A delivery keeps its ``webhook-id`` over all attempts; what is sent and not yet recorded when
the server is killed is sent again under that id, and nothing else is. https://www.standardwebhooks.com
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import logging
import ssl
import time
from collections import Counter
from collections.abc import Iterable, Sequence

import httpx
import sqlalchemy as sa

from notify import webhook_ledger as ledger
from notify.targets import BadTarget, Transport
from notify.webhook_events import AppointmentData, Happening, Reading, VisitData
from notify.webhook_ledger import BACKOFF_S, Claimed, Hook, Result
from server import database as db
from server import journal
from server.clock import real_now
from server.database import Database, Unavailable
from server.domain.day import Day
from server.domain.house import House
from server.domain.schedule import SECOND
from server.keys import BadKey, Keys

log = logging.getLogger("onthaal.webhooks")

SEND_S = 15.0
"""How long an attempt may take, name and connection included, in real seconds."""

LEASE_S = 60.0
"""How long nobody else takes a delivery that is being sent: well over :data:`SEND_S`."""

AT_ONCE = 4
"""Requests to one webhook at a time; one that fails gets one at a time until it answers again."""

EVERY_S = 1.0
"""How often the journal and what is due are looked at when nothing wakes the task, in real seconds."""

GATHER_S = 0.05
"""How long changes gather before they are laid out: a rush of them makes few transactions."""

LAID_OUT = 500
"""Entries of the journal laid out in one transaction at most."""

ASIDE_S = 60.0
"""How long a site is left alone whose journal could not be laid out, in real seconds."""


def signature(secrets: Iterable[bytes], identity: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature``: one signature for each secret, the newest first."""
    signed = b".".join((identity.encode(), str(timestamp).encode(), body))
    macs = (base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return " ".join(f"v1,{mac}" for mac in macs)


class Webhooks:
    """Tells other systems. ``send_s``, ``lease_s`` and ``backoff_s`` are real seconds.

    ``context`` says whose certificates are believed; those that httpx believes if none is given.
    """

    def __init__(
        self,
        database: Database,
        keys: Keys,
        houses: dict[str, House],
        *,
        context: ssl.SSLContext | None = None,
        send_s: float = SEND_S,
        lease_s: float = LEASE_S,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._database = database
        self._keys = keys
        self._houses = houses
        self._context = context
        self._send_s = send_s
        self._lease_s = lease_s
        self._backoff_s = backoff_s
        self._woken = asyncio.Event()
        self._readings: dict[str, Reading] = {}
        self._aside: dict[str, float] = {}
        self._flying: Counter[str] = Counter()
        self._failing: set[str] = set()
        self._results: list[Result] = []
        self._clients: dict[bool, httpx.AsyncClient] = {}

    def wake(self) -> None:
        """Look now: something happened at a site, or is to be sent again."""
        self._woken.set()

    async def run(self) -> None:
        """Lay out and send; one task, until cancelled. What is known of attempts by then is recorded."""
        try:
            async with asyncio.TaskGroup() as flights:
                while True:
                    try:
                        more = await self._round(flights)
                    except Unavailable as error:
                        log.warning("webhooks wait for the database: %s", error)
                        more = False
                    except Exception:
                        log.exception("webhooks could not be looked after")
                        more = False
                    if not more:
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(EVERY_S):
                                await self._woken.wait()
                    await asyncio.sleep(GATHER_S)
                    self._woken.clear()
        finally:
            if self._results:
                with contextlib.suppress(Unavailable):
                    await self._database.write(
                        lambda connection: ledger.record(connection, self._results, self._backoff_s)
                    )
            for client in self._clients.values():
                await client.aclose()

    async def _round(self, flights: asyncio.TaskGroup) -> bool:
        """Lay out what happened, record what came back, send what is due. Whether there is more at once."""
        hooks = await self._database.read(ledger.hooks)
        more = False
        for site in dict.fromkeys(hook.site for hook in hooks if hook.site in self._houses):
            more |= await self._lay_out(site)
        room = {hook.id: self._room(hook) for hook in hooks}
        due = await self._database.read(lambda connection: ledger.due(connection, room))
        if due or self._results:
            for claimed in await self._record_and_claim(hooks, room):
                await self._client(claimed.hook.allow_private)
                self._flying[claimed.hook.id] += 1
                flights.create_task(self._fly(claimed), name=f"webhook {claimed.hook.id}")
        return more

    def _room(self, hook: Hook) -> int:
        return (1 if hook.id in self._failing else AT_ONCE) - self._flying[hook.id]

    async def _record_and_claim(self, hooks: list[Hook], room: dict[str, int]) -> list[Claimed]:
        results = list(self._results)

        def work(connection: sa.Connection) -> list[Claimed]:
            ledger.record(connection, results, self._backoff_s)
            return ledger.claim(connection, hooks, room, self._lease_s)

        claimed = await self._database.write(work)
        del self._results[: len(results)]
        return claimed

    # --- laying out -----------------------------------------------------------------------------

    async def _lay_out(self, site: str) -> bool:
        """Lay a piece of a site's journal out; whether there may be more. One broken site stops no other."""
        if self._aside.get(site, 0.0) > time.monotonic():
            return False
        try:
            found = await self._database.read(lambda connection: self._read(connection, site))
            if found is None:
                return False
            old, reading, happenings = found
            if not await self._database.write(
                lambda connection: ledger.lay_out(connection, site, old, reading.day.seq, happenings)
            ):
                return True
        except Unavailable:
            raise
        except Exception:
            log.exception("the journal of %s could not be laid out for webhooks", site)
            self._aside[site] = time.monotonic() + ASIDE_S
            return False
        self._readings[site] = reading
        return reading.day.seq - old == LAID_OUT

    def _read(self, connection: sa.Connection, site: str) -> tuple[int, Reading, list[Happening]] | None:
        """What follows the cursor: where that was, the reading after it, what it tells. None without news."""
        old = ledger.cursor(connection, site)
        if old is None or journal.head(connection, site) <= old:
            return None
        reading = self._readings.get(site)
        if reading is None or reading.day.seq != old:
            reading = _reading_at(connection, self._houses[site], old)

        def elsewhere(appointment: str) -> tuple[str, int] | None:
            table = db.appointment
            wanted = sa.select(table.c.service, table.c.at).where(table.c.id == appointment)
            row = connection.execute(wanted).one_or_none()
            return None if row is None else (row.service, row.at)

        happenings: list[Happening] = []
        for entry in journal.read(connection, site, old, LAID_OUT):
            reading, told = reading.after(entry, elsewhere)
            happenings += told
        _fill_references(connection, happenings)
        return old, reading, happenings

    # --- sending --------------------------------------------------------------------------------

    async def _fly(self, claimed: Claimed) -> None:
        """Make one attempt, and hand in what became of it."""
        try:
            result = await self._send(claimed)
        except BadKey:
            log.error("webhook %s: its secret was sealed with another key", claimed.hook.id)
            result = _failed(claimed, "secret-unreadable")
        except Exception:
            log.exception("webhook %s: an attempt failed", claimed.hook.id)
            result = _failed(claimed, "internal")
        finally:
            self._flying[claimed.hook.id] -= 1
        if result.ok:
            self._failing.discard(claimed.hook.id)
        else:
            self._failing.add(claimed.hook.id)
            log.info("webhook %s: %s, attempt %d", claimed.hook.id, result.code, claimed.attempt)
        self._results.append(result)
        self.wake()

    async def _send(self, claimed: Claimed) -> Result:
        hook, now = claimed.hook, real_now() // SECOND
        opened = [ledger.secret_of(self._keys, hook.id, sealed) for sealed in hook.sealed]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Onthaal",
            "webhook-id": claimed.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(opened, claimed.id, now, claimed.body),
        }
        client = await self._client(hook.allow_private)
        try:
            async with (
                asyncio.timeout(self._send_s),
                # The answer's body is not read: it may be anything, and as long as it likes.
                client.stream("POST", hook.url, content=claimed.body, headers=headers) as answer,
            ):
                return _judged(claimed, answer)
        except BadTarget as error:
            return _failed(claimed, error.code)
        except (TimeoutError, httpx.TimeoutException):
            return _failed(claimed, "timeout")
        except httpx.ConnectError as error:
            return _failed(claimed, "tls-failed" if _of_tls(error) else "connect-failed")
        except httpx.TransportError:
            return _failed(claimed, "no-answer")

    async def _client(self, allow_private: bool) -> httpx.AsyncClient:
        """The client for open or closed networks; made when the first webhook needs it."""
        if self._context is None:
            # Reading all certificates takes tens of milliseconds.
            self._context = await asyncio.to_thread(httpx.create_ssl_context)
        if allow_private not in self._clients:
            transport = Transport(self._context, allow_private=allow_private)
            self._clients[allow_private] = httpx.AsyncClient(
                transport=transport, timeout=self._send_s, trust_env=False, follow_redirects=False
            )
        return self._clients[allow_private]


def _reading_at(connection: sa.Connection, house: House, seq: int) -> Reading:
    """A site's reading up to a seq, from the last opening of a day before it."""
    row = connection.execute(
        sa.select(sa.func.max(db.journal.c.seq)).where(
            db.journal.c.site == house.site, db.journal.c.kind == "day-opened", db.journal.c.seq <= seq
        )
    ).scalar_one()
    before = 0 if row is None else row - 1
    reading = Reading(house, Day(seq=before))
    for entry in journal.read(connection, house.site, before, seq - before):
        reading, _told = reading.after(entry, lambda _appointment: None)
    return reading


def _fill_references(connection: sa.Connection, happenings: list[Happening]) -> None:
    """Name appointments as the booking system does."""
    told: list[AppointmentData | VisitData] = [happening.body.data for happening in happenings]
    wanted = {data.appointment for data in told if data.appointment is not None}
    table = db.reference
    rows = connection.execute(
        sa.select(table.c.appointment, table.c.ref).where(table.c.appointment.in_(wanted))
    )
    refs = {row.appointment: row.ref for row in rows}
    for data in told:
        if data.appointment is not None:
            data.ref = refs.get(data.appointment)


def _judged(claimed: Claimed, answer: httpx.Response) -> Result:
    """What an answer means: any 2xx is success, 410 that nothing more is wanted."""
    code = answer.status_code
    after = answer.headers.get("retry-after", "")
    after_s = float(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0.0
    return Result(claimed.id, claimed.attempt, 200 <= code < 300, str(code), code == 410, after_s)


def _failed(claimed: Claimed, code: str) -> Result:
    return Result(claimed.id, claimed.attempt, False, code)


def _of_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
