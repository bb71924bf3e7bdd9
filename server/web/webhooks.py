"""Webhooks over HTTP: which there are, what has not arrived, and sending it again."""

from __future__ import annotations

import httpx
import msgspec
import sqlalchemy as sa

from notify import webhook_ledger as ledger
from notify.webhook_ledger import State
from server.access import Right
from server.domain.schedule import iso
from server.live import Key
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, once
from server.web.errors import Problem


def target(url: str) -> str:
    """Where a URL leads, for people to recognise: path and query may hold a secret."""
    parts = httpx.URL(url)
    return f"{parts.scheme}://{parts.netloc.decode('ascii')}"


def _iso(instant: int | None) -> str | None:
    return None if instant is None else iso(instant)


async def _list(ask: Ask) -> bodies.WebhookList:
    def work(connection: sa.Connection) -> bodies.WebhookList:
        newest: dict[str, bodies.WebhookFailure] = {}
        for row in ledger.failures(connection, ask.site_name):
            newest.setdefault(row.webhook, bodies.WebhookFailure(row.code or "", iso(row.failed_at)))
        return bodies.WebhookList(
            [
                bodies.WebhookLine(
                    row.id,
                    target(row.url),
                    row.kinds.split(",") if row.kinds else [],
                    iso(row.created_at),
                    _iso(row.disabled_at),
                    row.delivered,
                    _iso(row.delivered_at),
                    counts["waiting"],
                    counts["failing"],
                    counts["given_up"],
                    newest.get(row.id),
                )
                for row, counts in ledger.overview(connection, ask.site_name)
            ]
        )

    return await ask.parts.database.read(work)


async def _failures(ask: Ask) -> bodies.WebhookFailures:
    def work(connection: sa.Connection) -> bodies.WebhookFailures:
        hooks = {row.id: row for row, _counts in ledger.overview(connection, ask.site_name)}
        return bodies.WebhookFailures(
            [
                bodies.WebhookDelivery(
                    row.id,
                    row.webhook,
                    target(hooks[row.webhook].url),
                    row.kind,
                    row.about,
                    row.state,
                    row.attempt,
                    row.code or "",
                    msgspec.json.decode(row.body)["timestamp"],
                    iso(row.failed_at),
                    _iso(row.due_at) if row.state == State.WAITING else None,
                    hooks[row.webhook].disabled_at is None,
                )
                for row in ledger.failures(connection, ask.site_name)
            ]
        )

    return await ask.parts.database.read(work)


async def _again(ask: Ask, key: Key) -> bytes:
    def work(connection: sa.Connection) -> bodies.SentAgain:
        delivery = ask.names["delivery"]
        try:
            return bodies.SentAgain(delivery, ledger.again(connection, ask.site_name, delivery))
        except ledger.Unknown as error:
            raise Problem(404, "unknown-delivery", "There is no such delivery here.") from error
        except ledger.Disabled as error:
            detail = "This webhook is disabled: nothing is sent to it."
            raise Problem(409, "webhook-disabled", detail) from error

    return await once(ask, key, work)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/webhooks",
        Right.MANAGE_WEBHOOKS,
        "The systems that are told of events, and how that goes",
        bodies.WebhookList,
        read=_list,
    ),
    Endpoint(
        "GET",
        SITE + "/webhooks/failures",
        Right.MANAGE_WEBHOOKS,
        "The newest events that were sent and have not arrived",
        bodies.WebhookFailures,
        read=_failures,
    ),
    Endpoint(
        "POST",
        SITE + "/webhooks/{delivery}/again",
        Right.MANAGE_WEBHOOKS,
        "Send an event again, at once and with all its attempts before it",
        bodies.SentAgain,
        bodies.Nothing,
        act=_again,
        others=((404, "unknown-delivery"), (409, "webhook-disabled")),
    ),
)
"""The endpoints of webhooks."""
