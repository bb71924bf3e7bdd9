"""Devices: screens and kiosks that are let in by a code, the way of RFC 8628.

A device asks for two codes. It shows the short one and polls with the long one; somebody who may, signed
in elsewhere, types the short one and says what the device is. The next poll then gets what lets it in.
Codes live in the database until they expire, so that neither a restart nor another node loses them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from server import database as db
from server.access import Principal, Role, create_session, create_token, revoke_token
from server.clock import real_now
from server.domain.schedule import SECOND
from server.keys import fresh_id, token_hash

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Letters of a user code (RFC 8628, 6.1): no vowels, so that no words come of it, and none like a digit."""

LETTERS = 8

CODE_S = 600
"""How long a code may be confirmed, in real seconds."""

INTERVAL_S = 2
"""How long a device waits between polls, in real seconds."""

PENDING = 200
PENDING_AN_ADDRESS = 20
"""Codes that wait to be confirmed, at most: in all, and of one address."""

ROLES = (Role.SCREEN, Role.KIOSK)
"""What a device may be."""


class Pending(StrEnum):
    """Why a device gets nothing (yet), by RFC 8628's names."""

    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    ACCESS_DENIED = "access_denied"
    EXPIRED_TOKEN = "expired_token"


class TooManyCodes(Exception):
    """So many devices ask that one more has to wait."""


class UnknownCode(Exception):
    """No device shows this code now."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What a confirmed device gets: the value of a session's cookie, or a bearer token."""

    principal: Principal
    screen: str | None
    secret: str


def begin(connection: sa.Connection, kind: Role, address: str) -> tuple[str, str]:
    """A new device code and its user code. Raises :class:`TooManyCodes`."""
    table, now = db.pairing, real_now()
    connection.execute(table.delete().where(table.c.expires_at <= now))
    waiting = sa.select(sa.func.count()).where(table.c.device.is_(None), table.c.denied.is_(False))
    if (
        connection.execute(waiting).scalar_one() >= PENDING
        or connection.execute(waiting.where(table.c.address == address)).scalar_one() >= PENDING_AN_ADDRESS
    ):
        raise TooManyCodes
    device_code = secrets.token_urlsafe(32)
    user_code = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
    connection.execute(
        table.insert(),
        {
            "hash": token_hash(device_code),
            "user_code": user_code,
            "kind": kind.value,
            "address": address,
            "asked_at": now,
            "expires_at": now + CODE_S * SECOND,
            "denied": False,
            "device": None,
        },
    )
    return device_code, shown(user_code)


def shown(user_code: str) -> str:
    """A user code as people read it: WDJB-MJHT."""
    return f"{user_code[:4]}-{user_code[4:]}"


def typed(user_code: str) -> str:
    """A user code as it is kept, whatever people typed between its letters and in which case."""
    return "".join(letter for letter in user_code.upper() if letter.isalnum())


def asking(connection: sa.Connection, user_code: str) -> sa.Row[Any]:
    """Who shows this code and waits. Raises :class:`UnknownCode`."""
    table = db.pairing
    row = connection.execute(
        sa.select(table)
        .where(table.c.user_code == typed(user_code), table.c.expires_at > real_now())
        .where(table.c.device.is_(None), table.c.denied.is_(False))
    ).one_or_none()
    if row is None:
        raise UnknownCode
    return row


def confirm(
    connection: sa.Connection, user_code: str, site: str, role: Role, screen: str | None, name: str, by: str
) -> tuple[str, list[str]]:
    """Make a device of who shows the code; its id, and those of devices that it replaces.

    A hall screen has one device: a second one would sound beside it. Raises :class:`UnknownCode`.
    """
    found = asking(connection, user_code)
    table, pairing, now = db.device, db.pairing, real_now()
    replaced: list[str] = []
    if screen is not None:
        same = sa.and_(table.c.site == site, table.c.screen == screen, table.c.revoked_at.is_(None))
        replaced = list(connection.execute(sa.select(table.c.id).where(same)).scalars())
        for other in replaced:
            revoke(connection, other)
    identity = fresh_id()
    connection.execute(
        table.insert(),
        {
            "id": identity,
            "site": site,
            "role": role.value,
            "name": name,
            "screen": screen,
            "created_at": now,
            "confirmed_by": by,
        },
    )
    connection.execute(pairing.update().where(pairing.c.hash == found.hash).values(device=identity))
    return identity, replaced


def deny(connection: sa.Connection, user_code: str) -> None:
    """Turn down who shows the code. Raises :class:`UnknownCode`."""
    found, table = asking(connection, user_code), db.pairing
    connection.execute(table.update().where(table.c.hash == found.hash).values(denied=True))


def standing(connection: sa.Connection, device_code: str) -> sa.Row[Any] | Pending:
    """The device that was confirmed for a device code; or why there is none."""
    table, device = db.pairing, db.device
    asked = connection.execute(
        sa.select(table).where(table.c.hash == token_hash(device_code), table.c.expires_at > real_now())
    ).one_or_none()
    if asked is None:
        return Pending.EXPIRED_TOKEN
    if asked.denied:
        return Pending.ACCESS_DENIED
    if asked.device is None:
        return Pending.AUTHORIZATION_PENDING
    row = connection.execute(sa.select(device).where(device.c.id == asked.device)).one()
    if row.revoked_at is not None:
        return Pending.ACCESS_DENIED
    if row.last_seen_at is not None:
        return Pending.EXPIRED_TOKEN
    return row


def collect(connection: sa.Connection, device_code: str, *, token: bool) -> Granted | Pending:
    """What lets the device in, as a session or as a bearer ``token``; or why nothing does.

    The code is good for one: once the device has used what it got. Until then an answer that was lost
    on its way is made again, and the one before counts no longer.
    """
    row, device = standing(connection, device_code), db.device
    if isinstance(row, Pending):
        return row
    if row.token is not None:
        connection.execute(device.update().where(device.c.id == row.id).values(token=None))
        revoke_token(connection, row.token)
    bearer = create_token(connection, row.site, Role(row.role), None)
    identity = bearer.split("_")[1]
    connection.execute(device.update().where(device.c.id == row.id).values(token=identity))
    principal = Principal(identity, row.site, Role(row.role), None, device=row.id)
    return Granted(principal, row.screen, bearer if token else create_session(connection, principal))


def revoke(connection: sa.Connection, device: str, site: str | None = None) -> bool:
    """Let a device in no longer, its token and sessions gone; False where there is none (at that site)."""
    table = db.device
    named = table.c.id == device if site is None else sa.and_(table.c.id == device, table.c.site == site)
    row = connection.execute(sa.select(table).where(named)).one_or_none()
    if row is None:
        return False
    if row.revoked_at is None:
        connection.execute(table.update().where(named).values(revoked_at=real_now()))
        if row.token is not None:
            revoke_token(connection, row.token)
    return True


def listed(connection: sa.Connection, site: str) -> list[sa.Row[Any]]:
    """The devices of a site that are let in, oldest first."""
    table = db.device
    return list(
        connection.execute(
            sa.select(table)
            .where(table.c.site == site, table.c.revoked_at.is_(None))
            .order_by(table.c.created_at, table.c.id)
        )
    )


def screen_of(connection: sa.Connection, device: str) -> str | None:
    """The hall screen that a device is."""
    return connection.execute(sa.select(db.device.c.screen).where(db.device.c.id == device)).scalar()


def home(principal: Principal, screen: str | None) -> str:
    """The page of a device."""
    if principal.role is Role.SCREEN:
        return f"/{principal.site}/hall" + (f"?screen={screen}" if screen is not None else "")
    return f"/{principal.site}"


def forget_codes(connection: sa.Connection) -> None:
    """Drop codes whose time is over."""
    connection.execute(db.pairing.delete().where(db.pairing.c.expires_at <= real_now()))
