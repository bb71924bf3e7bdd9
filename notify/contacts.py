"""People's own data: the one table that holds any, sealed, and erased when its time has come.

Everything here runs inside ``Database.write`` or ``read``; the seal is made with the server's key.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Literal

import msgspec
import sqlalchemy as sa

from notify import phones
from server import database as db
from server import satisfaction
from server.clock import real_now
from server.domain.schedule import SECOND
from server.keys import BadKey, Keys

KEPT_S = 30 * 86_400
"""How long contact data outlive the slot or the visit, in seconds."""

Phone = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        description="as it is dialled in the country of the site, or with + before it; kept as E.164",
    ),
]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


Channel = Literal["push", "sms", "mail"]
Safe = Literal["push", "sms", "mail", "none", "any"]


class Contact(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How to name and reach one person. Stored sealed; no view and no event has a field for it.

    ``push`` is a subscription of Web Push as JSON. ``channels`` is the person's own order, in place of the
    site's. ``safe`` names the one channel that is safe for them, or "none": nothing goes through any other,
    and nothing that is written says what it is about. It stays until somebody says "any", which is never
    stored; see ``docs/decisions/safe-contact.md``. ``basis`` is what they are kept and written to on: the
    city's public task, which needs no asking, or their consent.
    """

    name: Short | None = None
    phone: Phone | None = None
    email: Short | None = None
    push: Annotated[str, msgspec.Meta(description="set by the person's own browser, refused here")] | None = (
        None
    )
    channels: Annotated[tuple[Channel, ...], msgspec.Meta(max_length=3)] | None = None
    safe: Safe | None = None
    basis: Literal["public-task", "consent"] = "public-task"


class BadContact(Exception):
    """Data that reach nobody: ``field`` is what is wrong, the message why. Neither repeats the data."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


SAME_S = 86_400
"""Data that are kept already are written anew only where their time of keeping moves by this much."""

BY_THEMSELVES = frozenset({"api", "citizen", "reception", "supervisor"})
"""Who passes on a person's own wish to be written to no more, which holds for addresses that come later.

A reply such as STOP is one address's alone: whose it is nobody knows for sure.
"""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Contact)
_PUT = sa.text(db.upsert(db.contact))
_OPT_OUT = sa.text(
    "INSERT INTO opt_out (mark, at, source) VALUES (:mark, :at, :source) ON CONFLICT (mark) DO NOTHING"
)
_ADDRESS = {"sms": "phone", "mail": "email"}
"""The field that has a channel's address, where it is not the person's own browser that gives it."""


def normal(contact: Contact, region: str) -> Contact:
    """The same data as they are kept: the number as E.164, of ``region`` where it names no country.

    Raises :class:`BadContact`.
    """
    if contact.push is not None:
        raise BadContact("push", "a browser gives it itself, on the person's own page")
    if contact.safe in _ADDRESS and addresses(contact).get(contact.safe) is None:
        raise BadContact("safe", f"names a channel without an address: give {_ADDRESS[contact.safe]} too")
    if contact.phone is None:
        return contact
    try:
        return msgspec.structs.replace(contact, phone=phones.e164(contact.phone, region))
    except phones.BadPhone as error:
        raise BadContact("phone", str(error)) from None


def merged(contact: Contact, before: Contact | None) -> Contact:
    """What is kept when these data come in place of others: what their sender cannot know stays."""
    if before is not None and contact.push is None:
        # Who books knows nothing of the telephone that asked to be told.
        contact = msgspec.structs.replace(contact, push=before.push)
    if contact.safe == "any":
        return msgspec.structs.replace(contact, safe=None)
    if before is not None and contact.safe is None:
        # Once somebody is in danger, a sender that has no field for it must not take it back.
        contact = msgspec.structs.replace(contact, safe=before.safe)
    return contact


def put(
    connection: sa.Connection,
    keys: Keys,
    site: str,
    subject: str,
    contact: Contact,
    until: int | None = None,
    *,
    kept_s: int = KEPT_S,
    source: str = "api",
) -> bool:
    """Keep a person's data for an appointment or visit, in place of what was kept before.

    ``until`` is the slot where it lies ahead: the time of keeping, ``kept_s``, counts from there. ``source``
    is who gave them: ``api``, ``import``, ``reception``, ``citizen``. Answers whether anything changed by it:
    data that are kept already stay as they lie.
    """
    erase_at = max(until or 0, real_now()) + kept_s * SECOND
    kept = connection.execute(sa.select(db.contact).where(db.contact.c.subject == subject)).one_or_none()
    if kept is not None:
        with contextlib.suppress(BadKey):
            before = opened(keys, subject, kept.sealed)
            contact = merged(contact, before)
            if before == contact and abs(kept.erase_at - erase_at) < SAME_S * SECOND:
                return False
            _carry_opt_out(connection, keys, before, contact)
    contact = merged(contact, None)
    same_basis = kept is not None and kept.basis == contact.basis
    row = {
        "subject": subject,
        "site": site,
        "sealed": keys.seal(_encoder.encode(contact), subject),
        "erase_at": erase_at,
        "phone_mark": None if contact.phone is None else keys.address_mark(contact.phone),
        "basis": contact.basis,
        "basis_at": kept.basis_at if kept is not None and same_basis else real_now(),
        "basis_source": kept.basis_source if kept is not None and same_basis else source,
    }
    connection.execute(_PUT, row)
    return True


def get(connection: sa.Connection, keys: Keys, subject: str) -> Contact | None:
    """What is kept of a person, or None."""
    sealed = connection.execute(
        sa.select(db.contact.c.sealed).where(db.contact.c.subject == subject)
    ).scalar()
    return None if sealed is None else opened(keys, subject, sealed)


def about(connection: sa.Connection, site: str, *, ref: str = "", visit: str = "") -> tuple[str, ...]:
    """The subjects that one person's data are kept for at a site: an appointment, and the visit it became.

    Named by the booking system's reference or by a visit's id; none where nothing is known under it.
    """
    if ref:
        of_ref = sa.select(db.reference.c.appointment).where(
            db.reference.c.site == site, db.reference.c.ref == ref
        )
        booked = connection.execute(of_ref).scalar()
    else:
        row = connection.execute(
            sa.select(db.visit.c.appointment).where(db.visit.c.site == site, db.visit.c.id == visit)
        ).one_or_none()
        if row is None:
            return ()
        booked = row.appointment
        if booked is None:
            return (visit,)
    if booked is None:
        return ()
    became = connection.execute(
        sa.select(db.appointment.c.visit).where(db.appointment.c.id == booked)
    ).scalar()
    return (booked,) if became is None else (booked, became)


def channels(contact: Contact) -> set[str]:
    """The channels for which a person's address is kept."""
    return {channel for channel, to in addresses(contact).items() if to}


def opted_out(connection: sa.Connection, keys: Keys, contact: Contact) -> dict[str, tuple[int, str]]:
    """The channels of a person whose address wants no messages: since when (real time), by whose word."""
    marks = {keys.address_mark(to): channel for channel, to in addresses(contact).items() if to}
    rows = connection.execute(sa.select(db.opt_out).where(db.opt_out.c.mark.in_(list(marks))))
    return {marks[row.mark]: (row.at, row.source) for row in rows}


def opt_out(connection: sa.Connection, keys: Keys, contact: Contact, source: str) -> None:
    """Write to none of a person's addresses any more. The first time that somebody said so is what is kept.

    It holds for whatever is kept under these addresses at whichever site, and when the addresses are erased.
    """
    for to in filter(None, addresses(contact).values()):
        row = {"mark": keys.address_mark(to), "at": real_now(), "source": source}
        connection.execute(_OPT_OUT, row)


def opt_in(connection: sa.Connection, keys: Keys, contact: Contact) -> None:
    """Write to a person's addresses again: they said so themselves."""
    marks = [keys.address_mark(to) for to in addresses(contact).values() if to]
    connection.execute(db.opt_out.delete().where(db.opt_out.c.mark.in_(marks)))


def _carry_opt_out(connection: sa.Connection, keys: Keys, before: Contact, contact: Contact) -> None:
    """Who asked for no messages has not asked for some by getting another address."""
    had = channels(before)
    closed = opted_out(connection, keys, before)
    sources = {source for _, source in closed.values()}
    if had and closed.keys() == had and sources <= BY_THEMSELVES:
        opt_out(connection, keys, contact, min(sources))


def addresses(contact: Contact) -> dict[str, str | None]:
    """Where a person is reached, by channel."""
    return {"push": contact.push, "sms": contact.phone, "mail": contact.email}


def opened(keys: Keys, subject: str, sealed: bytes) -> Contact:
    """A person's data out of a row of the table. Raises ``BadKey`` where it was sealed with another key."""
    return _decoder.decode(keys.open(sealed, subject))


def set_push(connection: sa.Connection, keys: Keys, site: str, subject: str, push: str | None) -> None:
    """Keep a person's push subscription beside what else is kept, or forget it (None)."""
    kept = connection.execute(sa.select(db.contact.c.sealed).where(db.contact.c.subject == subject)).scalar()
    if kept is None:
        if push is not None:
            put(connection, keys, site, subject, Contact(push=push))
        return
    contact = msgspec.structs.replace(opened(keys, subject, kept), push=push)
    if contact == Contact():
        erase(connection, subject)
        return
    sealed = keys.seal(_encoder.encode(contact), subject)
    connection.execute(db.contact.update().where(db.contact.c.subject == subject).values(sealed=sealed))


def erase(connection: sa.Connection, subject: str) -> bool:
    """Forget a person's data now, what was written to them and what they wrote; whether there was any."""
    kept = connection.execute(db.contact.delete().where(db.contact.c.subject == subject)).rowcount
    said = connection.execute(db.message.delete().where(db.message.c.subject == subject)).rowcount
    wrote = satisfaction.erase(connection, subject)
    return wrote or kept + said > 0


def sweep(connection: sa.Connection) -> int:
    """Forget all data whose time has come, all messages and words; how many people they were."""
    satisfaction.sweep(connection)
    connection.execute(db.message.delete().where(db.message.c.erase_at <= real_now()))
    return connection.execute(db.contact.delete().where(db.contact.c.erase_at <= real_now())).rowcount
