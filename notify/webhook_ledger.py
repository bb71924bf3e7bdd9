"""Webhooks and their deliveries as they are stored: laid out once, claimed with a lease, answered under the
own attempt.

Everything here runs inside ``Database.write`` or ``read``. All instants are real time, in microseconds UTC.
"""

from __future__ import annotations

import base64
import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from notify.webhook_events import TYPES, Happening
from server import database as db
from server import journal
from server.clock import real_now
from server.domain.schedule import SECOND
from server.keys import Keys, fresh_id

SECRET_BYTES = 32
PREFIX = "whsec_"

ROTATION_S = 24 * 3600
"""How long a secret that was replaced still signs beside the new one."""

BACKOFF_S = (5, 30, 120, 600, 3600, 6 * 3600, 16 * 3600)
"""How long after each failure the next attempt comes; after as many and one more it is given up."""

AFTER_S = 3600
"""How much a receiver may ask for by ``Retry-After``, in seconds."""

KEPT_S = 30 * 86_400
"""How long a delivery is remembered after it ended."""

LISTED = 100
"""Failures in one list at most."""

_encoder = msgspec.json.Encoder()


class State(StrEnum):
    """Where a delivery is on its way."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"


class Unknown(Exception):
    """There is no such webhook or delivery; the message names it."""


class BadKind(Exception):
    """A type of event that there is none; the message says which there are."""


class Disabled(Exception):
    """A webhook that nothing is sent to now."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that is sent to, with the secrets that sign for it now, the newest first."""

    id: str
    site: str
    url: str
    allow_private: bool
    sealed: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that may be sent until its lease ends; its result counts under this attempt only."""

    id: str
    hook: Hook
    attempt: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt: ``code`` is the status, or a word; ``gone`` that nobody wants more."""

    delivery: str
    attempt: int
    ok: bool
    code: str
    gone: bool = False
    after_s: float = 0.0


# --- webhooks -----------------------------------------------------------------------------------


def add(
    connection: sa.Connection, keys: Keys, site: str, url: str, kinds: Sequence[str], allow_private: bool
) -> tuple[str, str]:
    """A new webhook for what happens from now on; its id and its secret. Raises :class:`BadKind`."""
    for kind in kinds:
        if kind not in TYPES:
            raise BadKind(f"there is no type of event {kind!r}; there are {', '.join(TYPES)}")
    identity, secret = fresh_id(), _fresh_secret()
    row = {
        "id": identity,
        "site": site,
        "url": url,
        "sealed": seal(keys, identity, secret),
        "kinds": ",".join(kinds),
        "allow_private": allow_private,
        "from_seq": _begin(connection, site),
        "created_at": real_now(),
        "delivered": 0,
    }
    connection.execute(db.webhook.insert(), row)
    return identity, secret


def enable(connection: sa.Connection, identity: str) -> None:
    """Send to a webhook again what happens from now on. Raises :class:`Unknown`."""
    row = _row(connection, identity)
    if row.disabled_at is not None:
        change = db.webhook.update().where(db.webhook.c.id == identity)
        connection.execute(change.values(disabled_at=None, from_seq=_begin(connection, row.site)))


def rotate(connection: sa.Connection, keys: Keys, identity: str) -> str:
    """A new secret; the one before signs beside it for :data:`ROTATION_S`. Raises :class:`Unknown`."""
    row, secret = _row(connection, identity), _fresh_secret()
    connection.execute(
        db.webhook.update()
        .where(db.webhook.c.id == identity)
        .values(sealed=seal(keys, identity, secret), sealed_before=row.sealed, rotated_at=real_now())
    )
    return secret


def remove(connection: sa.Connection, identity: str) -> None:
    """Forget a webhook and its deliveries. Raises :class:`Unknown`."""
    _row(connection, identity)
    connection.execute(db.webhook_delivery.delete().where(db.webhook_delivery.c.webhook == identity))
    connection.execute(db.webhook.delete().where(db.webhook.c.id == identity))


def seal(keys: Keys, identity: str, secret: str) -> bytes:
    """A webhook's secret as it is stored."""
    return keys.seal(secret.encode(), f"webhook {identity}")


def secret_of(keys: Keys, identity: str, sealed: bytes) -> bytes:
    """The bytes that sign. Raises ``BadKey`` where they were sealed with another key."""
    return base64.b64decode(keys.open(sealed, f"webhook {identity}").decode().removeprefix(PREFIX))


def _fresh_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _row(connection: sa.Connection, identity: str) -> sa.Row[Any]:
    row = connection.execute(db.webhook.select().where(db.webhook.c.id == identity)).one_or_none()
    if row is None:
        raise Unknown(f"there is no webhook {identity}")
    return row


def _begin(connection: sa.Connection, site: str) -> int:
    """The site's newest seq, with the cursor there if nobody else is told of what came before."""
    hook, cursor, seq = db.webhook, db.webhook_cursor, journal.head(connection, site)
    others = sa.select(hook.c.id).where(hook.c.site == site, hook.c.disabled_at.is_(None)).limit(1)
    if connection.execute(others).first() is None:
        connection.execute(sa.text(db.upsert(cursor)), {"site": site, "seq": seq})
    return seq


# --- laying out ---------------------------------------------------------------------------------


def hooks(connection: sa.Connection) -> list[Hook]:
    """The webhooks that are sent to."""
    table, now = db.webhook, real_now()
    rows = connection.execute(table.select().where(table.c.disabled_at.is_(None)).order_by(table.c.id))
    found = []
    for row in rows:
        sealed = [row.sealed]
        if row.rotated_at is not None and row.rotated_at > now - ROTATION_S * SECOND:
            sealed.append(row.sealed_before)
        found.append(Hook(row.id, row.site, row.url, bool(row.allow_private), tuple(sealed)))
    return found


def cursor(connection: sa.Connection, site: str) -> int | None:
    """Up to which seq a site's journal is laid out."""
    table = db.webhook_cursor
    return connection.execute(sa.select(table.c.seq).where(table.c.site == site)).scalar_one_or_none()


def lay_out(
    connection: sa.Connection, site: str, old: int, new: int, happenings: Iterable[Happening]
) -> bool:
    """Move a site's cursor, and make a delivery of each happening for each webhook that wants it.

    False, and nothing done, where the cursor is not ``old`` any more: somebody else has done it.
    """
    place, hook = db.webhook_cursor, db.webhook
    moved = connection.execute(place.update().where(place.c.site == site, place.c.seq == old).values(seq=new))
    if moved.rowcount == 0:
        return False
    wanting = connection.execute(hook.select().where(hook.c.site == site, hook.c.disabled_at.is_(None))).all()
    now = real_now()
    rows = [
        {
            "id": f"msg_{fresh_id()}",
            "webhook": each.id,
            "site": site,
            "seq": happening.seq,
            "about": happening.about,
            "kind": happening.body.type,
            "body": body,
            "state": State.WAITING.value,
            "attempt": 0,
            "before": 0,
            "due_at": now,
            "made_at": now,
        }
        for happening in happenings
        for body in [_encoder.encode(happening.body).decode()]
        for each in wanting
        if happening.seq > each.from_seq and (not each.kinds or happening.body.type in each.kinds.split(","))
    ]
    if rows:
        connection.execute(db.webhook_delivery.insert(), rows)
    return True


# --- sending ------------------------------------------------------------------------------------


def due(connection: sa.Connection, room: Mapping[str, int]) -> bool:
    """Whether any of these webhooks that have room has a delivery that is due."""
    table, now = db.webhook_delivery, real_now()
    first = sa.select(table.c.id).where(table.c.due_at <= now).limit(1)
    return any(
        connection.execute(first.where(table.c.webhook == hook)).first() is not None
        for hook, free in room.items()
        if free > 0
    )


def claim(
    connection: sa.Connection, hooks: Iterable[Hook], room: Mapping[str, int], lease_s: float
) -> list[Claimed]:
    """Take what is due, for each webhook at most what it has room for, for as long as the lease."""
    table, now = db.webhook_delivery, real_now()
    claimed = []
    for hook in hooks:
        rows = connection.execute(
            sa.select(table.c.id, table.c.attempt, table.c.body)
            .where(table.c.webhook == hook.id, table.c.due_at <= now)
            .order_by(table.c.due_at, table.c.seq)
            .limit(max(0, room.get(hook.id, 0)))
        ).all()
        for row in rows:
            taken = connection.execute(
                table.update()
                .where(table.c.id == row.id, table.c.attempt == row.attempt)
                .values(
                    state=State.SENDING.value,
                    attempt=row.attempt + 1,
                    due_at=now + round(lease_s * SECOND),
                )
            )
            if taken.rowcount:
                claimed.append(Claimed(row.id, hook, row.attempt + 1, row.body.encode()))
    return claimed


def record(connection: sa.Connection, results: Iterable[Result], backoff_s: Sequence[float]) -> None:
    """Note what became of attempts; a result of an attempt that is not the newest changes nothing."""
    table, hook, now = db.webhook_delivery, db.webhook, real_now()
    for result in results:
        own = sa.and_(
            table.c.id == result.delivery,
            table.c.attempt == result.attempt,
            table.c.state == State.SENDING.value,
        )
        row = connection.execute(sa.select(table.c.webhook, table.c.before).where(own)).one_or_none()
        if row is None:
            continue
        change = {"code": result.code, **_after(result, row.before, now, backoff_s)}
        connection.execute(table.update().where(own).values(change))
        if result.ok:
            connection.execute(
                hook.update()
                .where(hook.c.id == row.webhook)
                .values(delivered=hook.c.delivered + 1, delivered_at=now)
            )
        if result.gone:
            _disable(connection, row.webhook, now)


def _after(result: Result, before: int, now: int, backoff_s: Sequence[float]) -> dict[str, Any]:
    """What a result makes of its delivery."""
    if result.ok:
        return {"state": State.DELIVERED.value, "due_at": None, "failed_at": None, "ended_at": now}
    tries = result.attempt - before
    if result.gone or tries > len(backoff_s):
        return {"state": State.GIVEN_UP.value, "due_at": None, "failed_at": now, "ended_at": now}
    wait_s = max(backoff_s[tries - 1], min(result.after_s, AFTER_S))
    # Spread, so that what failed together does not come back together.
    due_at = now + round(wait_s * random.uniform(1.0, 1.25) * SECOND)
    return {"state": State.WAITING.value, "due_at": due_at, "failed_at": now}


def _disable(connection: sa.Connection, identity: str, now: int) -> None:
    """Send nothing more to a webhook; what waited for it is given up."""
    table = db.webhook_delivery
    connection.execute(db.webhook.update().where(db.webhook.c.id == identity).values(disabled_at=now))
    connection.execute(
        table.update()
        .where(table.c.webhook == identity, table.c.due_at.is_not(None))
        .values(state=State.GIVEN_UP.value, code="disabled", due_at=None, failed_at=now, ended_at=now)
    )


# --- for who looks after them -------------------------------------------------------------------


def overview(connection: sa.Connection, site: str) -> list[tuple[sa.Row[Any], dict[str, int]]]:
    """A site's webhooks, each with its deliveries that were not tried, that failed and are tried again, that
    are given up: ``waiting``, ``failing``, ``given_up``.
    """
    hook, table = db.webhook, db.webhook_delivery
    known = connection.execute(hook.select().where(hook.c.site == site).order_by(hook.c.created_at)).all()
    unsent = sa.select(table.c.webhook, table.c.state, table.c.failed_at.is_not(None), sa.func.count())
    groups = (table.c.webhook, table.c.state, table.c.failed_at.is_not(None))
    counts = {row.id: {"waiting": 0, "failing": 0, "given_up": 0} for row in known}
    for identity in counts:
        waits = sa.and_(table.c.webhook == identity, table.c.due_at.is_not(None))
        for _hook, _state, failed, number in connection.execute(unsent.where(waits).group_by(*groups)):
            counts[identity]["failing" if failed else "waiting"] += number
    given_up = sa.and_(
        table.c.site == site, table.c.failed_at.is_not(None), table.c.state == State.GIVEN_UP.value
    )
    for identity, _state, _failed, number in connection.execute(unsent.where(given_up).group_by(*groups)):
        if identity in counts:
            counts[identity]["given_up"] += number
    return [(row, counts[row.id]) for row in known]


def failures(connection: sa.Connection, site: str) -> list[sa.Row[Any]]:
    """What was tried and has not arrived, the newest failure first; at most :data:`LISTED`."""
    table = db.webhook_delivery
    return list(
        connection.execute(
            table.select()
            .where(table.c.site == site, table.c.failed_at.is_not(None))
            .order_by(table.c.failed_at.desc(), table.c.seq.desc())
            .limit(LISTED)
        )
    )


def again(connection: sa.Connection, site: str, delivery: str) -> str:
    """Have a delivery sent again, with all its attempts before it; its state then.

    One that is being sent stays so. Raises :class:`Unknown` or :class:`Disabled`.
    """
    table, hook = db.webhook_delivery, db.webhook
    row = connection.execute(
        sa.select(table.c.state, table.c.attempt, hook.c.disabled_at)
        .join(hook, hook.c.id == table.c.webhook)
        .where(table.c.site == site, table.c.id == delivery)
    ).one_or_none()
    if row is None:
        raise Unknown(f"there is no delivery {delivery}")
    if row.disabled_at is not None:
        raise Disabled
    if row.state != State.SENDING.value:
        connection.execute(
            table.update()
            .where(table.c.id == delivery)
            .values(state=State.WAITING.value, before=row.attempt, due_at=real_now(), ended_at=None)
        )
        return State.WAITING.value
    return State.SENDING.value


def sweep(connection: sa.Connection) -> int:
    """Forget deliveries that ended long ago; how many they were."""
    table = db.webhook_delivery
    return connection.execute(table.delete().where(table.c.ended_at <= real_now() - KEPT_S * SECOND)).rowcount
