"""Answers by SMS: whose number it is, which appointment is meant, what is said; then the same as by the link.

What came of it is told by one short message, planned in the transaction that carried it out. Nobody is
written to whom the house does not know.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from notify import ledger, plan, planner
from notify.channels import Incoming
from server import database as db
from server.clock import real_now
from server.domain.appointment import Appointment, Booking
from server.domain.house import House
from server.domain.refusal import Code, Refused
from server.domain.schedule import SECOND
from server.ledger import appointment_of
from server.live import Decided
from server.web.answers import Answer, execute
from server.web.endpoint import Parts

log = logging.getLogger("onthaal.replies")

SAME_S = 120
"""The same text of one number within so many real seconds is one message that was handed over twice."""

ANSWERED_PER_HOUR = 6
"""So many answers an hour one number is sent: what answers by itself must not be answered for ever."""

ANSWER_S = 900
"""An answer is of use for so long, in house seconds."""

AHEAD_S = 7 * 86_400
"""An appointment of which nobody was reminded yet is meant where it is no further ahead, in seconds."""

BACK_S = 4 * 3600
"""How long after its slot an appointment may still be the one that is meant."""

DONE = {"confirm": "confirmed", "cancel": "cancelled", "late": "late", "call-back": "call-back"}
"""The kind of message that tells what was done."""

_NOT_DONE = frozenset({Code.APPOINTMENT_MOVED, Code.LATE_TOO_LONG, Code.LATE_TOO_EARLY, Code.LATE_TOO_LATE})
"""Refusals after which the person has to look at the page, or say it otherwise."""

_STEP = "reply-"


class Reply(Protocol):
    """A text as it was understood: confirm, cancel, late, call-back, stop or unknown; ``minutes`` of late."""

    @property
    def meaning(self) -> str: ...

    @property
    def minutes(self) -> int | None: ...


Understand = Callable[[str, Iterable[str]], Reply]
"""What reads a text of somebody who speaks these languages, best first."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom an answer is from: the site and person that are written back to, and the appointment, if any.

    ``slot_at`` is the slot that they were told last: what they say is about that one.
    """

    site: str
    subject: str
    appointment: Appointment | None
    slot_at: int


class Replies:
    """What citizens write back. ``understand`` reads their words."""

    def __init__(self, parts: Parts, understand: Understand) -> None:
        self._parts = parts
        self._understand = understand

    async def take(self, channel: str, incoming: Incoming) -> str:
        """Carry out what a message says, once, and plan its answer; what came of it, for the log.

        ``confirmed``, ``cancelled``, ``late``, ``call-back``, ``stopped``, ``unknown`` or ``over``; or
        ``repeated`` and ``stranger``, where nothing is sent. Raises ``Unavailable``: the gateway comes again.
        """
        told = await self._take(incoming)
        # No number and no word of it: what people write is theirs.
        log.info("a message by %s: %s", channel, told)
        return told

    async def _take(self, incoming: Incoming) -> str:
        now, real = self._parts.clock.now(), real_now()
        mark = self._parts.keys.address_mark(incoming.sender)
        said = hashlib.sha256(mark + incoming.text.encode()).hexdigest()[:16]
        meant, repeated = await self._parts.database.read(
            lambda connection: (
                self._meant(connection, mark, now),
                _repeated(connection, list(_people(connection, mark)), said, real),
            )
        )
        reply = self._understand(incoming.text, self._languages(meant))
        if reply.meaning == "stop":
            await self._parts.database.write(lambda connection: _stop(connection, mark, real))
        if meant is None:
            return "stopped" if reply.meaning == "stop" else "stranger"
        if repeated:
            return "repeated"

        def answer(connection: sa.Connection, kind: str) -> None:
            _plan(connection, meant, mark, said, kind, self._parts.clock.now(), real)

        if reply.meaning in DONE and meant.appointment is not None:
            kind = DONE[reply.meaning]

            def also(connection: sa.Connection, _decided: Decided) -> None:
                answer(connection, kind)

            wanted = Answer(reply.meaning, 60 * (reply.minutes or 0), meant.slot_at)
            try:
                await execute(self._parts, meant.site, meant.subject, wanted, also=also)
            except Refused as refused:
                kind = "unknown" if refused.code in _NOT_DONE else "over"
            else:
                return kind
        else:
            kind = {"stop": "stopped", "unknown": "unknown"}.get(reply.meaning, "over")
        await self._parts.database.write(lambda connection: answer(connection, kind))
        return kind

    def _languages(self, meant: Meant | None) -> list[str]:
        """What the sender may speak, best first; of a stranger, whatever is spoken anywhere here."""
        if meant is None:
            houses: list[House] = [site.house for site in self._parts.live.sites.values()]
        else:
            houses = [self._parts.live.sites[meant.site].house]
        own = meant.appointment.language if meant is not None and meant.appointment is not None else None
        spoken = [own] if own else []
        return list(dict.fromkeys([*spoken, *(tag for house in houses for tag in house.languages)]))

    def _meant(self, connection: sa.Connection, mark: bytes, now: int) -> Meant | None:
        """Which appointment is meant: the one that was written about last, else the nearest ahead."""
        people = _people(connection, mark)
        sites = {name: site for name, site in people.items() if site in self._parts.live.sites}
        if not sites:
            return None
        table, sent = db.appointment, db.delivery
        written = {
            row.subject: row
            for row in connection.execute(
                sa.select(sent.c.subject, sent.c.due_at, sent.c.slot_at)
                .where(
                    sent.c.subject.in_(list(sites)), sent.c.attempt > 0, sent.c.kind.not_in(ledger.ANSWERS)
                )
                .order_by(sent.c.due_at)
            )
        }
        known = [
            appointment_of(row)
            for row in connection.execute(sa.select(table).where(table.c.id.in_(list(sites))))
        ]

        def may_be_meant(each: Appointment) -> bool:
            if each.at <= now - BACK_S * SECOND:
                return False
            if each.id in written:
                # A cancelled one as well: who writes "no" twice does not mean the next appointment.
                return each.state in (*plan.AHEAD, Booking.CANCELLED)
            return each.state in plan.AHEAD and each.at < now + AHEAD_S * SECOND

        def last_written(each: Appointment) -> tuple[int, int]:
            # Messages that went out in the same minute went out together: then the nearer slot counts.
            row = written.get(each.id)
            return -(0 if row is None else row.due_at // (60 * SECOND)), each.at

        best = min(filter(may_be_meant, known), key=last_written, default=None)
        if best is not None:
            told = written.get(best.id)
            slot_at = best.at if told is None or not told.slot_at else told.slot_at
            return Meant(sites[best.id], best.id, best, slot_at)
        last = max(known, key=lambda each: each.at, default=None)
        subject = next(iter(sites)) if last is None else last.id
        return Meant(sites[subject], subject, None, 0)


def _people(connection: sa.Connection, mark: bytes) -> dict[str, str]:
    """The sites of the people who have this number, by their ids; whoever is kept longest first."""
    table = db.contact
    rows = connection.execute(
        sa.select(table.c.subject, table.c.site)
        .where(table.c.phone_mark == mark)
        .order_by(table.c.erase_at.desc(), table.c.subject)
    )
    return {row.subject: row.site for row in rows}


def _stop(connection: sa.Connection, mark: bytes, real: int) -> None:
    """Keep that a number wants no messages: only its mark, which outlives what is known of the person."""
    known = connection.execute(sa.select(db.opt_out.c.at).where(db.opt_out.c.mark == mark)).first()
    if known is None:
        connection.execute(db.opt_out.insert(), {"mark": mark, "at": real, "source": "sms"})


def _answers(connection: sa.Connection, subjects: list[str], since: int) -> list[tuple[str, int]]:
    """Answers that were planned since: what each replied to, and when, in real time."""
    table = db.delivery
    steps = connection.execute(
        sa.select(table.c.step).where(table.c.subject.in_(subjects), table.c.step.startswith(_STEP))
    ).scalars()
    found = []
    for step in steps:
        said, _, at = step.removeprefix(_STEP).partition("-")
        if int(at) > since:
            found.append((said, int(at)))
    return found


def _repeated(connection: sa.Connection, subjects: list[str], said: str, real: int) -> bool:
    return any(each == said for each, _at in _answers(connection, subjects, real - SAME_S * SECOND))


def _plan(
    connection: sa.Connection, meant: Meant, mark: bytes, said: str, kind: str, now: int, real: int
) -> None:
    """Plan the one answer to a message, unless it has one or its number has had enough of them."""
    subjects = list(_people(connection, mark))
    if _repeated(connection, subjects, said, real):
        return
    if len(_answers(connection, subjects, real - 3600 * SECOND)) >= ANSWERED_PER_HOUR:
        log.warning("a number is sent no more answers for now")
        return
    step = f"{_STEP}{said}-{real}"
    row = planner.row_of(
        plan.delivery_id(meant.subject, step),
        meant.site,
        meant.subject,
        kind,
        step,
        now,
        now,
        now + ANSWER_S * SECOND,
        channel="sms",
    )
    connection.execute(db.delivery.insert(), row)
    if kind == "stopped":
        ledger.answered(connection, meant.subject, "stop", now, real)
