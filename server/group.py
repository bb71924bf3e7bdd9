"""A group of commands: decided one after the other, written in one transaction, kept or thrown away.

Everything here works on copies. A group that is not written leaves nothing behind: whoever made it
throws it away, catches up, and makes another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from server import database as db
from server import journal, ledger
from server.clock import real_now
from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import Day
from server.domain.fold import subject
from server.domain.hall import decide
from server.domain.house import House
from server.domain.refusal import Refused

log = logging.getLogger("onthaal.live")


class KeyReused(Exception):
    """An idempotency key came again with another request."""


class Stale(Exception):
    """The journal of these sites has moved on since the group was decided."""

    def __init__(self, sites: set[str]) -> None:
        super().__init__(", ".join(sorted(sites)))
        self.sites = sites


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key: scoped to token and site, with a hash of method, path and body."""

    token: str
    key: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Decided:
    """A command and what it led to. ``before`` and ``day`` are the day around its events."""

    house: House
    command: co.Command
    before: Day
    day: Day
    events: tuple[ev.Event, ...]
    now: int


@dataclass(eq=False, slots=True)
class Request:
    """A command on its way to the committer.

    ``build`` makes the command, given the appointment that ``ref`` stands for, or whose id is
    ``appointment`` (None if unknown); it is as it stands right before the command is decided.
    ``answer`` makes the bytes to store and return. ``also`` writes further rows in the transaction.
    """

    site: str
    build: Callable[[Appointment | None], co.Command]
    answer: Callable[[Decided], bytes]
    ref: str | None = None
    key: Key | None = None
    also: Callable[[sa.Connection, Decided], None] | None = None
    accepted: float = field(default_factory=time.monotonic)
    appointment: str | None = None
    future: asyncio.Future[bytes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, result: bytes | BaseException) -> None:
        """Answer whoever still waits."""
        if self.future.done():
            return
        if isinstance(result, BaseException):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


@dataclass(slots=True)
class Copy:
    """A site's working copy: what the group wants to append after ``expected``, and the rows with it."""

    house: House
    expected: int
    day: Day
    ledger: ledger.Ledger
    entries: list[ev.Entry] = field(default_factory=list)
    accepted: float | None = None

    def apply(self, events: Iterable[ev.Event], now: int) -> None:
        for event in events:
            entry = ev.Entry(self.day.seq + 1, now, event)
            self.day = self.ledger.apply(self.day, entry)
            self.entries.append(entry)

    def is_today(self, now: int) -> bool:
        """Whether the copy's day is the local date of now; `at` never steps back, so nor does the date."""
        return self.day.date == self.house.calendar.local_date(max(now, self.day.at)).isoformat()


@dataclass(slots=True)
class Verdict:
    """A request decided but not committed: ``result`` is its answer, or why there is none."""

    request: Request
    result: bytes | Exception
    decided: Decided | None = None


Answered = dict[Request, tuple[bytes, bytes]]
"""Requests whose key was answered before: the stored hash and body."""


class Group:
    """Commands of one or more sites, to be read for, decided and written, in this order.

    ``sites`` gives each site's house and committed day. ``keeps_days`` is whether days are opened and ended
    by the clock on the way; who is no server leaves that to the servers.
    """

    def __init__(
        self,
        requests: list[Request],
        sites: Mapping[str, tuple[House, Day]],
        now: int,
        *,
        keeps_days: bool = True,
    ) -> None:
        self.verdicts: list[Verdict] = []
        self.copies = {
            name: Copy(house, day.seq, day, ledger.Ledger(name, {}))
            for name, (house, day) in sites.items()
            if any(request.site == name for request in requests)
        }
        self._requests = requests
        self._now = now
        self._keeps_days = keeps_days
        self._known: dict[tuple[str, str], Appointment] = {}
        self._mornings: dict[str, tuple[Appointment, ...]] = {}

    @property
    def must_read(self) -> bool:
        """Whether deciding needs rows: of appointments that are named, or of a day that is to be opened."""
        return any(r.ref is not None or r.appointment is not None for r in self._requests) or not all(
            copy.is_today(self._now) for copy in self.copies.values()
        )

    def read(self, connection: sa.Connection) -> None:
        """Fetch the appointments that the group names, and those of days that are to be opened."""
        for name, copy in self.copies.items():
            refs = [r.ref for r in self._requests if r.site == name and r.ref is not None]
            for ref, found in ledger.by_reference(connection, name, refs).items():
                self._known[name, ref] = copy.ledger.elsewhere[found.id] = found
            ids = [r.appointment for r in self._requests if r.site == name and r.appointment is not None]
            copy.ledger.elsewhere.update(ledger.by_id(connection, name, ids))
            if self._keeps_days and not copy.is_today(self._now):
                calendar = copy.house.calendar
                date = calendar.local_date(max(self._now, copy.day.at))
                span = calendar.midnight_before(date), calendar.midnight_after(date)
                self._mornings[name] = ledger.appointments_between(connection, name, *span)

    def decide(self) -> None:
        """Decide every request on what those before it made of the copy; a refused one changes nothing."""
        for name, copy in self.copies.items() if self._keeps_days else ():
            self._keep_day(copy, self._mornings.get(name, ()))
        self.verdicts = [self._decide(request) for request in self._requests]

    def _keep_day(self, copy: Copy, appointments: tuple[Appointment, ...]) -> None:
        """Open and end days before anything else is decided."""
        now = max(self._now, copy.day.at)
        if not copy.is_today(now):
            copy.apply(decide(copy.house, copy.day, co.OpenDay(appointments=appointments), now), now)
        copy.apply(decide(copy.house, copy.day, co.EndDay(), now), now)

    def _decide(self, request: Request) -> Verdict:
        copy = self.copies[request.site]
        now = max(self._now, copy.day.at)  # `at` never steps back, whatever the clock does
        named = request.appointment
        if request.ref is not None:
            found = self._known.get((request.site, request.ref))
            named = None if found is None else found.id
        # What those before it in the group made of an appointment counts, whatever they called it.
        known = None
        if named is not None:
            known = copy.day.appointments.get(named) or copy.ledger.elsewhere.get(named)
        before = copy.day
        try:
            command = request.build(known)
            events = decide(copy.house, before, command, now)
        except Refused as refused:
            return Verdict(request, refused)
        copy.apply(events, now)
        decided = Decided(copy.house, command, before, copy.day, events, now)
        if events and copy.accepted is None:
            copy.accepted = request.accepted
        return Verdict(request, request.answer(decided), decided)

    def write(self, connection: sa.Connection) -> Answered:
        """The group's transaction. Returns the answers that some of it already had; then nothing is written.

        Refusals come here as well: a retry may be refused only because its first try succeeded, and a
        state that is behind the journal may refuse what is right. Raises :class:`Stale`.
        """
        stale = {n for n, copy in self.copies.items() if journal.head(connection, n) != copy.expected}
        if stale:
            raise Stale(stale)
        answered = _find_answers(connection, self._requests)
        if answered:
            return answered
        for name, copy in self.copies.items():
            journal.append(connection, name, copy.entries)
            copy.ledger.write(connection)
        stored_at = real_now()
        for verdict in self.verdicts:
            if verdict.decided is not None and isinstance(verdict.result, bytes):
                _write_beside(connection, verdict.request, verdict.decided, verdict.result, stored_at)
        return {}


def _find_answers(connection: sa.Connection, requests: list[Request]) -> Answered:
    found: Answered = {}
    for request in requests:
        if request.key is None:
            continue
        stored = stored_answer(connection, request.site, request.key)
        if stored is not None:
            found[request] = stored
    return found


def stored_answer(connection: sa.Connection, site: str, key: Key) -> tuple[bytes, bytes] | None:
    """The hash and the body that are kept under an idempotency key."""
    row = connection.exec_driver_sql(
        "SELECT hash, body FROM answer WHERE token = ? AND site = ? AND key = ?",
        (key.token, site, key.key),
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def store_answer(connection: sa.Connection, site: str, key: Key, body: bytes, stored_at: int) -> None:
    """Keep an answer under its idempotency key."""
    row = {"token": key.token, "site": site, "key": key.key, "hash": key.hash, "body": body}
    connection.execute(db.answer.insert(), row | {"stored_at": stored_at})


def _write_beside(
    connection: sa.Connection, request: Request, decided: Decided, body: bytes, stored_at: int
) -> None:
    """The rows of one command that the journal does not tell: reference, contact, stored answer."""
    if request.ref is not None:
        for event in decided.events:
            if isinstance(event, ev.AppointmentBooked):
                row = {"site": request.site, "ref": request.ref, "appointment": subject(event)}
                connection.execute(db.reference.insert(), row)
    if request.also is not None:
        request.also(connection, decided)
    if request.key is not None:
        store_answer(connection, request.site, request.key, body, stored_at)
