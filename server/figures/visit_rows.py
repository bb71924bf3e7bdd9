"""Visits as rows for a city's own tools: when each was where on its way, and nothing of who it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from server import database as db
from server.domain.day import Status
from server.domain.house import House
from server.domain.punctuality import wait_s
from server.domain.schedule import to_datetime

COLUMNS = (
    "site",
    "day",
    "service",
    "slot_at",
    "reported_at",
    "first_called_at",
    "started_at",
    "ended_at",
    "status",
    "counter",
    "calls",
    "wait_s",
    "handling_s",
)


def rows(connection: sa.Connection, house: House, period: date) -> list[Sequence[str | int]]:
    """The visits of ``period``, a local day, by :data:`COLUMNS`, as they reported; "" where nothing happened.

    There is no id and no ticket: a row leads to nobody's link, message or appointment. Services that are
    discreet, or are not configured any more, are left out. Times are local, with their offset.
    """
    table, zone = db.visit.c, house.calendar.zone
    open_to_all = [service.id for service in house.services.values() if not service.discreet]
    found = connection.execute(
        sa.select(db.visit)
        .where(table.site == house.site, table.day == period.isoformat(), table.service.in_(open_to_all))
        .order_by(table.reported_at, table.service)
    ).all()

    def local(instant: int | None) -> str:
        return "" if instant is None else to_datetime(instant, zone).isoformat(timespec="seconds")

    told: list[Sequence[str | int]] = []
    for row in found:
        wait: str | int = ""
        if row.first_called_at is not None:
            since = row.reported_at if row.slot_at is None else row.slot_at
            wait = round(wait_s(since, row.reported_at, row.first_called_at))
        handling: str | int = ""
        if row.status == Status.SERVED and row.started_at is not None and row.ended_at is not None:
            handling = round((row.ended_at - row.started_at) / 1_000_000)
        told.append(
            (
                *(house.site, row.day, row.service, local(row.slot_at), local(row.reported_at)),
                *(local(row.first_called_at), local(row.started_at), local(row.ended_at), row.status),
                *(row.counter or "", row.calls, wait, handling),
            )
        )
    return told
