"""Supervisors who asked to be told of alerts: through which browser or at which address, by account.

A recipient is a row without an address; the address lies sealed in ``contact`` under the recipient's id, as
everybody's does. It is kept until it is taken back, the browser is no more, or the account is disabled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from notify import contacts
from notify.contacts import Contact
from server import database as db
from server.clock import real_now
from server.keys import BadKey, Keys, fresh_id

ALERT, OVER = "alert", "alert-over"
KINDS = (ALERT, OVER)
"""The kinds of delivery that go to recipients: something is wrong, and it no longer is."""

AT_MOST = 5
"""Browsers and addresses of one account: a person at work has no more."""

KEPT_S = 100 * 365 * 86_400
"""How long an address is kept by itself, in seconds: as long as it is wanted."""

Row = sa.Row[Any]
_table = db.recipient


class TooMany(Exception):
    """An account that has as many browsers and addresses as it may."""


def add(
    connection: sa.Connection, keys: Keys, site: str, account: str, contact: Contact, *, over: bool
) -> str:
    """Tell an account of alerts at one more address, an e-mail or a push subscription; the recipient's id.

    An address that it has already keeps its id, and is told or not that alerts are over as is said now.
    Raises :class:`TooMany`.
    """
    own = reachable(connection, keys, account)
    for row, kept in own:
        if kept == contact:
            connection.execute(_table.update().where(_table.c.id == row.id).values(over=over))
            return str(row.id)
    if len(own) >= AT_MOST:
        raise TooMany
    # What can be told no more, because its browser is gone, makes room.
    for row in of_account(connection, account):
        if row.id not in [each.id for each, _kept in own]:
            remove(connection, account, row.id)
    recipient = fresh_id()
    connection.execute(
        _table.insert(),
        {
            "id": recipient,
            "account": account,
            "site": site,
            "channel": "push" if contact.push is not None else "mail",
            "over": over,
            "created_at": real_now(),
        },
    )
    contacts.put(connection, keys, site, recipient, contact, kept_s=KEPT_S, source="supervisor")
    return recipient


def of_account(connection: sa.Connection, account: str) -> list[Row]:
    """The recipients of an account, oldest first."""
    asked = sa.select(_table).where(_table.c.account == account)
    return list(connection.execute(asked.order_by(_table.c.created_at, _table.c.id)))


def reachable(connection: sa.Connection, keys: Keys, account: str) -> list[tuple[Row, Contact]]:
    """The recipients of an account that have an address, with what is kept of it, oldest first."""
    found = []
    for row in of_account(connection, account):
        with contextlib.suppress(BadKey):
            kept = contacts.get(connection, keys, row.id)
            if kept is not None and contacts.addresses(kept)[row.channel]:
                found.append((row, kept))
    return found


def of_site(connection: sa.Connection, site: str) -> list[Row]:
    """The recipients at a site whose account may still sign in."""
    asked = _enabled().where(_table.c.site == site)
    return list(connection.execute(asked.order_by(_table.c.created_at, _table.c.id)))


def enabled(connection: sa.Connection, ids: Iterable[str]) -> set[str]:
    """Those of these ids that are recipients whose account may still sign in."""
    return {row.id for row in connection.execute(_enabled().where(_table.c.id.in_(list(ids))))}


def _enabled() -> sa.Select[Any]:
    account = db.account
    asked = sa.select(_table).join(account, account.c.id == _table.c.account)
    return asked.where(account.c.site == _table.c.site, account.c.disabled_at.is_(None))


def remove(connection: sa.Connection, account: str, recipient: str) -> bool:
    """Tell an account no more at this address, and forget it; False where it has no such recipient."""
    gone = _table.delete().where(_table.c.id == recipient, _table.c.account == account)
    if connection.execute(gone).rowcount == 0:
        return False
    contacts.erase(connection, recipient)
    return True


def forget(connection: sa.Connection, account: str) -> None:
    """Tell an account no more at all: it was disabled."""
    for row in of_account(connection, account):
        remove(connection, account, row.id)
