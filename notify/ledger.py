"""The ledger of deliveries: claimed with a lease, recorded under their own attempt, followed by receipts.

Everything here is a plain function over a connection, to be run inside ``Database.write``. Two times are
at work: a message is due and of use in house time, leases and retries go by real time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from notify import assignment, plan, planner, recipients
from notify.channels import Reached, Receipt
from notify.contacts import Contact, opened
from notify.delivery import ATTEMPTS, State, address, advances, impersonal, pause_s, reached
from notify.people import People
from server import database as db
from server.domain.appointment import Appointment
from server.domain.day import Status
from server.domain.house import House
from server.domain.messages import CHANNELS
from server.domain.schedule import SECOND
from server.keys import Keys

Row = sa.Row[Any]

CHOSEN_AT_ONCE = 500
"""Due messages that one transaction finds a channel for."""

ANSWERS = frozenset({"confirmed", "cancelled", "late", "call-back", "stopped", "unknown", "over"})
"""Kinds that answer what a person has just written to us: they are wanted whatever has become of the rest."""

FAILURES = frozenset({"given-up", "no-address", "too-late", "quiet"})
"""Reasons that leave a person without what the house meant to say."""

_table = db.delivery
_PUT_MESSAGE = sa.text(db.upsert(db.message))


class About(msgspec.Struct, omit_defaults=True):
    """What a notice says beside its visit or appointment: numbers and instants, nothing of a person.

    Of an alert it is all: ``wrong`` is its kind, ``name`` the service, screen, counter or channel.
    """

    counter: str | None = None
    ahead: int | None = None
    minutes: int | None = None
    later: int | None = None
    wrong: str | None = None
    name: str | None = None
    since: int | None = None
    count: int | None = None
    of: int | None = None


def almost_step(calls: int) -> str:
    """The step of "almost your turn" in a visit's wait: once before its first call, once after another."""
    return f"almost-{calls}" if calls else "almost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that is ours to send, and all that its text is made from."""

    id: str
    site: str
    subject: str
    kind: str
    step: str
    channel: str
    attempt: int
    to: str
    until: int
    appointment: Appointment | None
    visit: Row | None
    contact: Contact
    about: About
    wording: str = "plain"
    """How a reminder puts it: the experiment's doing, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of an attempt. ``code`` is what the gateway said.

    ``state`` is accepted, failed (never through this channel) or planned (to be tried again after
    ``after_s``). ``sealed`` is what was written, ``gone`` that the address itself is no more.
    """

    claim: Claim
    state: State
    code: str
    ref: str = ""
    after_s: float = 0.0
    luck: float = 0.5
    gone: bool = False
    parts: int | None = None
    cost: int | None = None
    sealed: bytes | None = None


class Ledger:
    """The deliveries of a server's sites. ``keys`` open what is kept of people."""

    def __init__(self, houses: Mapping[str, House], keys: Keys, reach_within_s: Mapping[str, float]) -> None:
        self._houses = houses
        self._keys = keys
        self._reach_within_s = reach_within_s

    # --- before sending ---------------------------------------------------------------------------

    def anything_due(self, connection: sa.Connection, now: int, real: int) -> bool:
        """Whether there is something to claim, to choose a channel for, or to give up waiting for."""
        # All channels by name, so that the index goes straight to what is due among all that is planned.
        due = sa.select(_table.c.id).where(
            _table.c.state == State.PLANNED,
            _table.c.channel.in_(("", *CHANNELS)),
            _table.c.due_at <= now,
            _table.c.retry_at <= real,
        )
        stuck = sa.select(_table.c.id).where(_table.c.state == State.SENDING, _table.c.lease_until <= real)
        unreached = sa.select(_table.c.id).where(_table.c.reach_by <= real)
        return any(connection.execute(each.limit(1)).first() for each in (due, stuck, unreached))

    def next_due(self, connection: sa.Connection, after: int, real: int) -> int | None:
        """When, later than ``after``, the first message is due that is planned or on its way, if any.

        What a gateway could not take is left out until it is tried again.
        """
        each = sa.select(sa.func.min(_table.c.due_at)).where(
            _table.c.channel.in_(("", *CHANNELS)), _table.c.due_at > after
        )
        planned = each.where(_table.c.state == State.PLANNED, _table.c.retry_at <= real)
        sending = each.where(_table.c.state == State.SENDING, _table.c.lease_until > real)
        found = [connection.execute(query).scalar() for query in (planned, sending)]
        return min((due for due in found if due is not None), default=None)

    def claim(
        self,
        connection: sa.Connection,
        now: int,
        real: int,
        free: Mapping[str, int],
        lease_s: float,
        held: Collection[str] = (),
    ) -> list[Claim]:
        """Take what is due, at most ``free`` of each channel; nobody else takes it before the lease is over.

        Whether it is still wanted is looked at here, in the same transaction, right before it is sent.
        ``held`` are deliveries of which the caller knows more than is written down: they are not taken,
        whatever their lease says.
        """
        self._choose(connection, now, real)
        claims: list[Claim] = []
        for channel, count in free.items():
            if count <= 0:
                continue
            due = sa.and_(_table.c.state == State.PLANNED, _table.c.due_at <= now, _table.c.retry_at <= real)
            # A lease that ran out belonged to a process that died, or to one that we no longer believe.
            stuck = sa.and_(
                _table.c.state == State.SENDING, _table.c.lease_until <= real, _table.c.id.not_in(held)
            )
            rows: list[Row] = []
            for which in (stuck, due):
                rows += connection.execute(
                    sa.select(_table)
                    .where(which, _table.c.channel == channel)
                    .order_by(_table.c.due_at)
                    .limit(count - len(rows))
                ).all()
            claims += self._take(connection, rows, now, real, lease_s)
        return claims

    def _choose(self, connection: sa.Connection, now: int, real: int) -> None:
        """Give each message that has become due the best channel its person has."""
        rows = connection.execute(
            sa.select(_table)
            .where(_table.c.state == State.PLANNED, _table.c.channel == "")
            .where(_table.c.due_at <= now, _table.c.retry_at <= real)
            .order_by(_table.c.due_at)
            .limit(CHOSEN_AT_ONCE)
        ).all()
        people = self._people(connection, rows)
        for row in rows:
            order = self._houses[row.site].messages.order if row.site in self._houses else ()
            channels = people.usable(row.subject, order, ())
            if channels:
                _set(connection, row, channel=channels[0])
            else:
                stop(connection, row, people.why_not(row.subject, order), now, real)

    def _take(
        self, connection: sa.Connection, rows: Sequence[Row], now: int, real: int, lease_s: float
    ) -> list[Claim]:
        people = self._people(connection, rows)
        wordings = assignment.wordings(connection, [row.subject for row in rows if self._varies(row, people)])
        claims = []
        for row in rows:
            house = self._houses.get(row.site)
            if house is None:
                stop(connection, row, "no-site", now, real)
                continue
            contact = people.contact(row.subject)
            to = address(contact, row.channel)
            verdict = self._standing(house, row, people, now)
            if verdict == "given-up":
                note(connection, row.id, verdict, row.attempt, row.reason or "", now, real)
                self._failed(connection, row, verdict, now, real)
            elif isinstance(verdict, str):
                stop(connection, row, verdict, now, real)
            elif isinstance(verdict, int):
                _set(connection, row, state=State.PLANNED, due_at=verdict, lease_until=None)
            elif contact is None or to is None or not people.may_use(row.subject, row.channel, row.kind):
                # Since it was chosen the person took this channel back; the first one is chosen anew.
                if row.rank == 0 and row.attempt == 0:
                    _set(connection, row, channel="")
                else:
                    stop(connection, row, people.why_not(row.subject, (row.channel,)), now, real)
            else:
                attempt = row.attempt + 1
                lease_until = real + round(lease_s * SECOND)
                _set(connection, row, state=State.SENDING, attempt=attempt, lease_until=lease_until)
                note(connection, row.id, "sent", attempt, "", now, real)
                claims.append(
                    Claim(
                        id=row.id,
                        site=row.site,
                        subject=row.subject,
                        kind=row.kind,
                        step=row.step,
                        channel=row.channel,
                        attempt=attempt,
                        to=to,
                        until=row.until,
                        appointment=people.appointments.get(row.subject),
                        visit=people.visits.get(row.subject),
                        contact=contact,
                        about=msgspec.json.decode(row.about or "{}", type=About),
                        wording=wordings.get(row.subject, "plain"),
                    )
                )
        return claims

    def _varies(self, row: Row, people: People) -> bool:
        """Whether a message may be worded by an experiment: never to who needs a safe contact by now."""
        house = self._houses.get(row.site)
        if house is None or house.experiment is None or row.kind != planner.REMINDER:
            return False
        contact, booked = people.contact(row.subject), people.appointments.get(row.subject)
        service = None if booked is None else house.services.get(booked.service)
        discreet = service is not None and service.discreet
        return contact is not None and contact.safe is None and not discreet

    def _standing(self, house: House, row: Row, people: People, now: int) -> str | int | None:
        """Why a message is not sent any more, until when it has to wait, or None: it goes out."""
        if now >= row.until:
            return "too-late"
        reason = _unwanted(row, people)
        if reason is not None:
            return reason
        if row.kind == planner.REMINDER and plan.earlier(house, now) != now:
            allowed = plan.quiet_until(house, now)
            return allowed if allowed < row.until else "quiet"
        if row.attempt >= ATTEMPTS:
            return "given-up"
        return None

    def _people(self, connection: sa.Connection, rows: Sequence[Row]) -> People:
        return People(connection, self._keys, [row.subject for row in rows], self._houses)

    # --- after sending ----------------------------------------------------------------------------

    def record(self, connection: sa.Connection, results: Iterable[Result], now: int, real: int) -> None:
        """Write down what became of attempts. One that is no longer the delivery's own changes nothing."""
        told = list(results)
        rows = _Rows(connection, [result.claim.id for result in told])
        kept = self._kept(connection, told)
        messages: list[dict[str, Any]] = []
        for result in told:
            claim = result.claim
            row = rows.take(claim.id)
            assert row is not None
            mine = row.attempt == claim.attempt
            note(connection, claim.id, _said(result), claim.attempt, result.code, now, real)
            if result.gone:
                self._forget(connection, claim)
            if not mine:
                continue
            if result.state is State.ACCEPTED:
                self._accepted(connection, row, result, real)
                # Whose data were erased while it was on its way has nothing kept of what it said.
                if result.sealed is not None and kept & set(_subjects(claim.subject, claim.visit)):
                    erase_at = real + self._houses[row.site].messages.kept_s * SECOND
                    messages.append(
                        {
                            "delivery": row.id,
                            "subject": row.subject,
                            "sealed": result.sealed,
                            "erase_at": erase_at,
                        }
                    )
            elif row.state != State.SENDING:
                continue  # a receipt was faster
            elif result.state is State.FAILED:
                self._failed(connection, row, impersonal(result.code), now, real)
            else:
                pause = pause_s(row.attempt, result.after_s, result.luck)
                _set(
                    connection,
                    row,
                    state=State.PLANNED,
                    reason=impersonal(result.code),
                    retry_at=real + round(pause * SECOND),
                    lease_until=None,
                )
        if messages:
            connection.execute(_PUT_MESSAGE, messages)

    def _accepted(self, connection: sa.Connection, row: Row, result: Result, real: int) -> None:
        values: dict[str, Any] = {"ref": result.ref, "parts": result.parts, "cost": result.cost}
        if row.state == State.SENDING:
            values |= {"state": State.ACCEPTED, "reason": None, "lease_until": None}
            if not reached(row.channel, State.ACCEPTED):
                within_s = self._reach_within_s.get(row.channel, 0.0)
                values["reach_by"] = real + round(within_s * SECOND) if within_s else None
        _set(connection, row, **values)

    def _kept(self, connection: sa.Connection, results: Iterable[Result]) -> set[str]:
        """The subjects of whom anything is kept."""
        table = db.contact
        asked = [each for result in results for each in _subjects(result.claim.subject, result.claim.visit)]
        found = connection.execute(sa.select(table.c.subject).where(table.c.subject.in_(asked)))
        return set(found.scalars())

    def receive(self, connection: sa.Connection, receipts: Iterable[Receipt], now: int, real: int) -> None:
        """Follow what gateways say, late, twice or out of order as it may come."""
        told = list(receipts)
        rows = _Rows(connection, [receipt.delivery for receipt in told])
        for receipt in told:
            row = rows.take(receipt.delivery)
            if row is None or _heard(connection, receipt):
                continue
            note(connection, row.id, receipt.reached.value, row.attempt, receipt.code, now, real)
            news = State(receipt.reached.value)
            if not advances(State(row.state), news):
                continue
            if news is State.FAILED:
                self._failed(connection, row, impersonal(receipt.code), now, real)
                continue
            values: dict[str, Any] = {"state": news, "reason": None, "lease_until": None}
            if reached(row.channel, news):
                values["reach_by"] = None
            _set(connection, row, **values)

    def give_up_waiting(self, connection: sa.Connection, now: int, real: int, limit: int = 100) -> int:
        """Go on to the next channel where the one before took a message and nobody heard of it; how many."""
        rows = connection.execute(sa.select(_table).where(_table.c.reach_by <= real).limit(limit)).all()
        for row in rows:
            _set(connection, row, reach_by=None, reason="not-reached")
            note(connection, row.id, "not-reached", row.attempt, "", now, real)
            self._fall_back(connection, row, now)
        return len(rows)

    def _failed(self, connection: sa.Connection, row: Row, code: str, now: int, real: int) -> None:
        _set(connection, row, state=State.FAILED, reason=code or "failed", lease_until=None, reach_by=None)
        self._fall_back(connection, row, now)

    def _fall_back(self, connection: sa.Connection, row: Row, now: int) -> None:
        """Plan the same message through the next channel that was not tried yet, if any is left."""
        house = self._houses.get(row.site)
        if house is None or now >= row.until:
            return
        tried = connection.execute(
            sa.select(_table.c.channel, _table.c.rank).where(
                _table.c.subject == row.subject,
                _table.c.step == row.step,
                _table.c.slot_at == row.slot_at,
            )
        ).all()
        if any(each.rank > row.rank for each in tried):
            return  # it was gone on from here before
        people = self._people(connection, [row])
        left = people.usable(row.subject, house.messages.order, {each.channel for each in tried})
        if not left or _unwanted(row, people) is not None:
            return
        rank = row.rank + 1
        fresh = planner.row_of(
            plan.delivery_id(row.subject, row.step, row.slot_at, rank),
            row.site,
            row.subject,
            row.kind,
            row.step,
            now,
            now,
            row.until,
            slot_at=row.slot_at,
            rank=rank,
            channel=left[0],
            about=row.about,
        )
        connection.execute(_table.insert(), fresh)

    def _forget(self, connection: sa.Connection, claim: Claim) -> None:
        """Take an address out of what is kept of a person: it is no more, or somebody else's."""
        for subject in _subjects(claim.subject, claim.visit):
            sealed = connection.execute(
                sa.select(db.contact.c.sealed).where(db.contact.c.subject == subject)
            ).scalar()
            if sealed is None:
                continue
            kept = opened(self._keys, subject, sealed)
            if address(kept, claim.channel) == claim.to:
                field = {"sms": "phone", "mail": "email", "push": "push"}[claim.channel]
                left = msgspec.json.encode(msgspec.structs.replace(kept, **{field: None}))
                values: dict[str, Any] = {"sealed": self._keys.seal(left, subject)}
                if claim.channel == "sms":
                    values["phone_mark"] = None
                connection.execute(
                    db.contact.update().where(db.contact.c.subject == subject).values(**values)
                )


def _unwanted(row: Row, people: People) -> str | None:
    """Why the house has nothing to say any more, or None."""
    if row.kind in ANSWERS:
        return None
    if row.kind in recipients.KINDS:
        return None if row.subject in people.told_of_alerts else "not-asked"
    appointment = people.appointments.get(row.subject)
    if appointment is not None:
        if appointment.state not in plan.AHEAD:
            return appointment.state.value
        if row.slot_at and appointment.at != row.slot_at:
            return "moved"
        return None
    visit = people.visits.get(row.subject)
    if visit is None:
        return "unknown"
    wanted = {"go": Status.CALLED, "closing": Status.NOT_SERVED}.get(row.kind, Status.WAITING)
    if visit.status != wanted.value:
        return str(visit.status)
    if row.kind == "go" and visit.counter != msgspec.json.decode(row.about or "{}", type=About).counter:
        return "moved"
    if row.kind == "almost" and row.step != almost_step(visit.calls):
        return "moved"
    return None


def stop(connection: sa.Connection, row: Row, reason: str, now: int, real: int) -> None:
    """Send this no more: it is not wanted, or it cannot be done."""
    state = State.FAILED if reason in FAILURES else State.WITHDRAWN
    _set(connection, row, state=state, reason=reason, lease_until=None)
    note(connection, row.id, reason, row.attempt, "", now, real)


def note(
    connection: sa.Connection, delivery: str, kind: str, attempt: int, code: str, now: int, real: int
) -> None:
    """Add a line to what happened to a delivery."""
    connection.exec_driver_sql(
        "INSERT INTO delivery_event (delivery, n, kind, at, real_at, attempt, code) "
        "SELECT ?, coalesce(max(n), 0) + 1, ?, ?, ?, ?, ? FROM delivery_event WHERE delivery = ?",
        (delivery, kind, now, real, attempt, impersonal(code), delivery),
    )


def _heard(connection: sa.Connection, receipt: Receipt) -> bool:
    """Whether a gateway said just this before."""
    # Our own note of an acceptance is no receipt of one.
    return receipt.reached is not Reached.ACCEPTED and (
        connection.exec_driver_sql(
            "SELECT 1 FROM delivery_event WHERE delivery = ? AND kind = ? AND code = ?",
            (receipt.delivery, receipt.reached.value, impersonal(receipt.code)),
        ).first()
        is not None
    )


def _said(result: Result) -> str:
    return "later" if result.state is State.PLANNED else result.state.value


def _subjects(subject: str, visit: Row | None) -> list[str]:
    return [subject] if visit is None or not visit.appointment else [subject, visit.appointment]


def _set(connection: sa.Connection, row: Row, **values: Any) -> None:
    # The hottest statement of the house: ten thousand reminders in a minute are forty thousand of these.
    names = ", ".join(f"{name} = ?" for name in values)
    connection.exec_driver_sql(f"UPDATE delivery SET {names} WHERE id = ?", (*values.values(), row.id))


class _Rows:
    """Deliveries by id, read at once; one that is asked for again is read again, as it may have changed."""

    def __init__(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        self._connection = connection
        self._found = {row.id: row for row in connection.execute(_select(ids))}
        self._left = set(ids)

    def take(self, delivery: str) -> Row | None:
        """The delivery as it now is, or None."""
        if delivery in self._left:
            self._left.discard(delivery)
            return self._found.get(delivery)
        return self._connection.execute(_select([delivery])).one_or_none()


def _select(ids: Sequence[str]) -> sa.Select[Any]:
    return sa.select(_table).where(_table.c.id.in_(ids))


# --- what a person did with it --------------------------------------------------------------------


def clicked(connection: sa.Connection, subject: str, now: int, real: int) -> None:
    """Note that the page behind the newest message to a person was really shown; once for each message."""
    _did(connection, subject, "clicked", "", now, real)


def answered(connection: sa.Connection, subject: str, answer: str, now: int, real: int) -> None:
    """Note what a person answered to the newest message that they got: confirm, late, cancel, call-back."""
    _did(connection, subject, "answered", answer, now, real)


def _did(connection: sa.Connection, subject: str, kind: str, code: str, now: int, real: int) -> None:
    sent = (State.SENDING, State.ACCEPTED, State.DELIVERED, State.SHOWN)
    row = connection.execute(
        sa.select(_table.c.id, _table.c.attempt)
        .where(_table.c.subject == subject, _table.c.state.in_(sent), _table.c.kind.not_in(ANSWERS))
        .order_by(_table.c.due_at.desc(), _table.c.rank.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return  # the link came from elsewhere: a confirmation of the booking system, a neighbour
    known = db.delivery_event
    same = (known.c.delivery == row.id, known.c.kind == kind, known.c.code == code)
    if connection.execute(sa.select(known.c.n).where(*same).limit(1)).first() is None:
        note(connection, row.id, kind, row.attempt, code, now, real)
