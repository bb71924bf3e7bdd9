"""An office in one process over a real file: commands, plan, ledger and worker, with a postman to watch.

The postman stands where a gateway's client does; real gateways have their own tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from houses import house

from notify import contacts
from notify.channels import Accepted, Message, TryLater, Undeliverable
from notify.contacts import Contact
from notify.ledger import Claim
from notify.worker import Carrier, Worker, Written
from server import database as db
from server import schema
from server.clock import HouseClock
from server.database import Database
from server.domain import commands as co
from server.domain.appointment import Appointment
from server.domain.house import House
from server.keys import Keys, fresh_id
from server.live import Live, Request
from server.settings import load

SITE = "mechelen"
BRUSSELS = ZoneInfo("Europe/Brussels")
JAN = Contact(name="Jan", phone="+32470123456", email="jan@example.org")


def at(text: str) -> int:
    """Microseconds UTC of a wall-clock time in Brussels."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp()) * 1_000_000


class Postman:
    """A channel that keeps what it was given. ``does`` is asked for each message what to do with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given: list[Message] = []
        self.does: Callable[[Message], BaseException | None] = lambda _message: None
        self.hold = asyncio.Event()
        self.hold.set()

    async def send(self, message: Message) -> Accepted:
        self.given.append(message)
        await self.hold.wait()
        outcome = self.does(message)
        if outcome is not None:
            raise outcome
        return Accepted(f"{self.name}-{len(self.given)}", "ok")


class Office:
    """A site with two services, its commands, and a worker whose channels are postmen."""

    def __init__(self, folder: Path, clock: HouseClock, carriers: dict[str, dict[str, Any]]) -> None:
        self.database = Database(f"sqlite:///{folder / 'onthaal.db'}")
        self.clock = clock
        self.houses: dict[str, House] = load(folder / "house.toml")
        self.keys = Keys(bytes(32))
        self.live = Live(self.database, clock, self.houses)
        self.post = {name: Postman(name) for name in ("push", "sms", "mail")}
        self.worker = Worker(
            self.database,
            clock,
            self.houses,
            self.keys,
            {name: Carrier(channel=postman, **carriers.get(name, {})) for name, postman in self.post.items()},
            write,
        )
        self.ids: dict[str, str] = {}

    @property
    def given(self) -> list[tuple[str, str, str]]:
        """Every message that was given to a postman: channel, delivery, address."""
        return [(name, each.delivery, each.to) for name, man in self.post.items() for each in man.given]

    async def execute(self, ref: str, build: Callable[[Appointment | None], co.Command], **more: Any) -> None:
        await self.live.execute(Request(SITE, build, lambda _decided: b"", ref, **more))
        self.worker.wake()

    async def book(self, ref: str, slot: str, contact: Contact | None = JAN, service: str = "onthaal") -> str:
        """Book, or move, an appointment; its id."""
        identity = self.ids.setdefault(ref, fresh_id())

        def keep(connection: sa.Connection, _decided: object) -> None:
            if contact is not None:
                contacts.put(connection, self.keys, SITE, identity, contact, at(slot))

        await self.execute(
            ref,
            lambda known: co.Book(
                appointment=known.id if known else identity, service=service, at=at(slot), known=known
            ),
            also=keep,
        )
        return identity

    async def cancel(self, ref: str) -> None:
        await self.execute(ref, lambda known: co.Cancel(known=known, by="citizen"))  # type: ignore[arg-type]

    async def rows(self, **where: object) -> list[dict[str, Any]]:
        """The deliveries of the ledger as they are, by when they are due."""

        def read(connection: sa.Connection) -> list[dict[str, Any]]:
            asked = sa.select(db.delivery).order_by(db.delivery.c.due_at, db.delivery.c.rank)
            for name, value in where.items():
                asked = asked.where(db.delivery.c[name] == value)
            return [dict(row._mapping) for row in connection.execute(asked)]

        return await self.database.read(read)

    async def events(self, delivery: str) -> list[str]:
        """What happened to a delivery, in order."""
        table = db.delivery_event.c

        def read(connection: sa.Connection) -> list[str]:
            rows = connection.execute(
                sa.select(table.kind).where(table.delivery == delivery).order_by(table.n)
            )
            return [row.kind for row in rows]

        return await self.database.read(read)

    async def states(self, **where: object) -> list[tuple[str, str, str]]:
        """Step, channel and state of each delivery."""
        return [(row["step"], row["channel"], row["state"]) for row in await self.rows(**where)]


def write(claim: Claim, _house: House, _now: int) -> Written:
    """A text that says no more than a test needs."""
    text = f"{claim.kind} {claim.step}"
    message = Message(delivery=claim.id, attempt=claim.attempt, to=claim.to, text=text)
    return Written(message, json.dumps({"text": text}).encode())


@asynccontextmanager
async def office(
    folder: Path, now: str = "2026-11-20 09:00", *, working: bool = True, **carriers: dict[str, Any]
) -> AsyncIterator[Office]:
    """An office at work on the file in ``folder``, its clock standing still until somebody jumps."""
    if not (folder / "house.toml").exists():
        house(folder, counters=2, services=("onthaal", "bevolking"))
    clock = HouseClock(at(now), 0)
    opened = Office(folder, clock, carriers)
    tasks: list[asyncio.Task[None]] = []
    try:
        await opened.database.write(schema.migrate)
        await opened.live.load()
        tasks.append(asyncio.create_task(opened.live.run()))
        if working:
            tasks.append(asyncio.create_task(opened.worker.run()))
        yield opened
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        opened.database.close()


async def until(condition: Callable[[], Any], what: str = "", within_s: float = 10.0) -> None:
    """Wait until a condition holds; it may be a coroutine's."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, what or "the condition did not come about"
        await asyncio.sleep(0.01)


__all__ = ["BRUSSELS", "JAN", "SITE", "Office", "TryLater", "Undeliverable", "at", "office", "until"]
