"""Alerts over HTTP: what was wrong today and who was told, and where a supervisor wants to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa

from notify import alarms, recipients
from notify.channels.console import masked
from notify.contacts import Contact, addresses
from notify.subscriptions import SubscriptionKeys
from server import database as db
from server.access import Right
from server.channel_tables import address
from server.domain.schedule import iso
from server.live import Key
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, once
from server.web.errors import Problem
from server.web.tickets import subscription

SHOWN = 200
"""How many alerts an answer has at most, the newest."""

Channel = Literal["push", "mail"]


class Told(msgspec.Struct):
    """Somebody who was told of an alert, and how far that came: the state of the delivery.

    ``name`` is the account's, null once it no longer asks to be told at that address.
    """

    name: str | None
    channel: Channel
    state: str
    over: bool


class Raised(msgspec.Struct):
    """An alert, in house time: its cause is there ``since``, it was told at ``raised``.

    ``subject`` is the service, screen, counter or channel that it is about, or empty; ``cleared`` is null
    as long as it stands.
    """

    id: str
    kind: str
    subject: str
    since: str
    raised: str
    cleared: str | None
    told: list[Told]


class Alerts(msgspec.Struct):
    """The alerts of today, and those before that still stand, newest first."""

    at: str
    time_zone: str
    alerts: list[Raised]


class Recipient(msgspec.Struct):
    """A browser or address of who asks. ``over``: told of the end too. ``to`` are its ends."""

    id: str
    channel: Channel
    to: str
    over: bool
    since: str


class Recipients(msgspec.Struct):
    """Where who asks is told of alerts. ``push`` is the key that a browser subscribes with, or null."""

    push: str | None
    recipients: list[Recipient]


class Wished(msgspec.Struct):
    """A recipient that is told of alerts from now on, or no more."""

    recipient: str


class Browser(bodies.Body):
    """A browser's subscription to Web Push."""

    endpoint: Annotated[str, msgspec.Meta(max_length=2000)]
    keys: SubscriptionKeys


class Wish(bodies.Body):
    """Tell me of alerts there: one of ``email`` and ``push``. ``over``: also that they are over."""

    email: Annotated[str, msgspec.Meta(min_length=3, max_length=200)] | None = None
    push: Browser | None = None
    over: bool = False


async def _list(ask: Ask) -> Alerts:
    now, calendar = ask.parts.clock.now(), ask.site.house.calendar
    begin = calendar.midnight_before(calendar.local_date(now))
    table, site = db.alert, ask.site_name

    def work(connection: sa.Connection) -> Alerts:
        rows = connection.execute(
            sa.select(table)
            .where(table.c.site == site, sa.or_(table.c.raised_at >= begin, table.c.cleared_at.is_(None)))
            .order_by(table.c.raised_at.desc(), table.c.id)
            .limit(SHOWN)
        ).all()
        told = _told(connection, site, rows)
        return Alerts(
            iso(now),
            str(calendar.zone),
            [
                Raised(
                    row.id,
                    row.kind,
                    row.subject,
                    iso(row.since),
                    iso(row.raised_at),
                    None if row.cleared_at is None else iso(row.cleared_at),
                    told.get(row.id, []),
                )
                for row in rows
            ],
        )

    return await ask.parts.database.read(work)


def _told(connection: sa.Connection, site: str, alerts: Sequence[sa.Row[Any]]) -> dict[str, list[Told]]:
    sent, known, account = db.delivery, db.recipient, db.account
    steps = {step: row.id for row in alerts for step in alarms.steps_of(row.id)}
    begin = min((row.raised_at for row in alerts), default=0)
    rows = connection.execute(
        sa.select(sent.c.step, sent.c.kind, sent.c.channel, sent.c.state, account.c.name)
        .select_from(
            sent.outerjoin(known, known.c.id == sent.c.subject).outerjoin(
                account, account.c.id == known.c.account
            )
        )
        .where(
            sent.c.site == site,
            sent.c.due_at >= begin,
            sent.c.kind.in_(recipients.KINDS),
            sent.c.step.in_(list(steps)),
        )
        .order_by(account.c.name, sent.c.channel, sent.c.due_at)
    )
    found: dict[str, list[Told]] = {}
    for row in rows:
        line = Told(row.name, row.channel, row.state, row.kind == recipients.OVER)
        found.setdefault(steps[row.step], []).append(line)
    return found


def _account(ask: Ask) -> str:
    if ask.principal.account is None:
        raise Problem(409, "no-account", "Sign in with your own login: a token is nobody to tell.")
    return ask.principal.account


def _own(ask: Ask, connection: sa.Connection) -> Recipients:
    kept = recipients.reachable(connection, ask.parts.keys, _account(ask))
    return Recipients(
        None if ask.parts.push is None else ask.parts.push.key,
        [
            Recipient(row.id, row.channel, _shown(contact, row.channel), row.over, iso(row.created_at))
            for row, contact in kept
        ],
    )


def _shown(contact: Contact, channel: str) -> str:
    """An address for its own account to recognise: of a browser its end, which differs for each."""
    to = addresses(contact)[channel] or ""
    return masked(to) if channel == "mail" else f"...{to[-8:-3]}"


async def _mine(ask: Ask) -> Recipients:
    _account(ask)
    return await ask.parts.database.read(lambda connection: _own(ask, connection))


async def _add(ask: Ask, key: Key | None) -> bytes:
    account, wish = _account(ask), ask.body
    assert isinstance(wish, Wish)
    if (wish.email is None) == (wish.push is None):
        raise Problem(422, "invalid-body", "Give email or push.")
    if wish.push is not None:
        contact = Contact(push=await subscription(msgspec.json.encode(wish.push), ask.parts.push))
    else:
        contact = Contact(email=_email(wish.email or ""))

    def work(connection: sa.Connection) -> Wished:
        keys, site = ask.parts.keys, ask.site_name
        try:
            return Wished(recipients.add(connection, keys, site, account, contact, over=wish.over))
        except recipients.TooMany as error:
            raise Problem(
                409, "too-many-recipients", f"An account has at most {recipients.AT_MOST} of them."
            ) from error

    return await once(ask, key, work)


def _email(text: str) -> str:
    try:
        return str(address(text).addr_spec)
    except ValueError:
        raise Problem(422, "invalid-body", "email: not one mail address.", field="email") from None


async def _remove(ask: Ask, key: Key | None) -> bytes:
    account = _account(ask)

    def work(connection: sa.Connection) -> Wished:
        # Taken back twice it is taken back: whoever repeats it wants nothing else.
        recipients.remove(connection, account, ask.names["recipient"])
        return Wished(ask.names["recipient"])

    return await once(ask, key, work)


_NOBODY = (409, "no-account")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/alerts",
        Right.WATCH_MANAGEMENT,
        "What was wrong today, until when, and who was told; and what still stands from before",
        Alerts,
        read=_list,
    ),
    Endpoint(
        "GET",
        SITE + "/alerts/recipients",
        Right.WATCH_MANAGEMENT,
        "Where who asks is told of alerts",
        Recipients,
        read=_mine,
        others=(_NOBODY,),
    ),
    Endpoint(
        "POST",
        SITE + "/alerts/recipients",
        Right.WATCH_MANAGEMENT,
        "Be told of alerts in this browser or at this e-mail address",
        Wished,
        Wish,
        act=_add,
        others=(_NOBODY, (404, "no-push"), (409, "too-many-recipients"), (422, "bad-subscription")),
    ),
    Endpoint(
        "DELETE",
        SITE + "/alerts/recipients/{recipient}",
        Right.WATCH_MANAGEMENT,
        "Be told there no more; the address is forgotten",
        Wished,
        act=_remove,
        others=(_NOBODY,),
    ),
)
"""The endpoints of alerts."""
