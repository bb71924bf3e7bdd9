"""The page of figures for supervisors: a day, a week or a year beside others, with pictures and tables.

The analyst computes all of it. Where it cannot, the page says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from babel import Locale
from babel.dates import format_date, format_interval
from babel.numbers import format_decimal, format_percent
from starlette.requests import Request
from starlette.responses import Response

from notify.messages import locale_of
from server.access import Right
from server.analyst import Failed
from server.database import Unavailable
from server.domain.house import House
from server.domain.schedule import to_datetime
from server.figures.overview import (
    UNITS,
    Figure,
    Numbers,
    Overview,
    Picture,
    numbers_table,
    overview,
    picture,
)
from server.figures.periods import Days, Span, period
from server.figures.rendering import as_csv, as_json
from server.figures.rendering.words import clock
from server.figures.report import Column, Report, Table, Unit, Value
from server.web.endpoint import Parts
from server.web.errors import Problem
from server.web.pages import Pages, page, wording
from server.web.theme import tagged

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("onthaal.overviews")

KEPT_S = 3600
"""How long a browser keeps a picture of days that are over, in real seconds."""

_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""A picture opened by itself is a document; matplotlib styles it inline."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: ``of`` are the days of the span that ``on`` lies in."""

    house: House
    span: Span
    on: date
    of: Days
    now: int
    shows: Picture

    @property
    def today(self) -> date:
        return self.house.calendar.local_date(self.now)

    @property
    def language(self) -> str:
        return self.house.languages[0]


class Overviews:
    """The handlers."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def page(self, request: Request) -> Response:
        """``?span=`` day, week or year, ``?on=`` a day in it, ``?show=waits`` on the map."""
        asked, refused = await self._asked(request)
        if asked is None:
            return refused
        try:
            told: Overview | None = await self._told(asked)
        except Unavailable:
            told = None
        answer = page(
            "figures", asked.language, status=200 if told else 503, **_context(asked), **_told(asked, told)
        )
        if told is None:
            answer.headers["Retry-After"] = "1"
        return answer

    async def everything(self, request: Request) -> Response:
        """All figures of the page as JSON."""
        asked, refused = await self._asked(request)
        if asked is None:
            return refused
        told = await self._told(asked)
        tables = (numbers_table(told), *told.tables.values())
        made = Report(asked.span.value, asked.house.site, asked.of.first, asked.of.last, tables)
        return _download(as_json.render(made), "application/json", f"{_file_name(asked)}.json")

    async def table(self, request: Request) -> Response:
        """One table of the page as CSV."""
        asked, refused = await self._asked(request)
        if asked is None:
            return refused
        told = await self._told(asked)
        name = request.path_params["table"]
        found = numbers_table(told) if name == "numbers" else told.tables.get(name)
        if found is None:
            raise Problem(404, "not-found", "There is no such table of these days.")
        return _download(as_csv.render(found), "text/csv", f"{_file_name(asked)}-{name}.csv")

    async def picture(self, request: Request) -> Response:
        """A picture of the page as SVG. Of days that are over a browser may keep it for a while."""
        asked, refused = await self._asked(request)
        if asked is None:
            return refused
        try:
            which = Picture(request.path_params["picture"])
        except ValueError as error:
            raise Problem(404, "not-found", "There is no such picture.") from error
        if which is Picture.DAY_WAITS and asked.span is not Span.DAY:
            raise Problem(404, "not-found", "This picture is of a day.")
        names = wording("figures", "figure-words", asked.language).names
        svg = await self._ask(picture, asked.house, asked.span, asked.on, asked.now, which, dict(names))
        over = asked.of.last < asked.today
        headers = {
            "Cache-Control": f"private, max-age={KEPT_S}" if over else "private, no-cache",
            "Content-Security-Policy": _PICTURE_POLICY,
        }
        return tagged(request, svg, "image/svg+xml", headers)

    async def _asked(self, request: Request) -> tuple[Asked | None, Response]:
        """What is asked for; where that may not be, or cannot, the answer that says so."""
        house, refused = await self._pages.let_in(request, Right.READ_FIGURES)
        if refused is not None:
            return None, refused
        now, given = self._parts.clock.now(), request.query_params
        try:
            span = Span(given.get("span", Span.DAY))
            on = date.fromisoformat(given["on"]) if given.get("on") else house.calendar.local_date(now)
        except ValueError as error:
            raise Problem(
                422, "invalid-query", "span: day, week or year; on: a day as 2026-11-23."
            ) from error
        if not _FIRST <= on <= _LAST:
            raise Problem(422, "invalid-query", f"on: a day from {_FIRST} to {_LAST}.")
        shows = Picture.BUSY_WAITS if given.get("show") == "waits" else Picture.BUSYNESS
        return Asked(house, span, on, period(span, on), now, shows), Response()

    async def _told(self, asked: Asked) -> Overview:
        return await self._ask(overview, asked.house, asked.span, asked.on, asked.now)

    async def _ask(
        self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the analyst answers. Raises ``Unavailable``, also for what is a fault of ours."""
        try:
            return await self._parts.analyst.ask(work, *args, **kwargs)
        except Failed as error:
            log.error("figures of a page could not be computed: %s", error)
            raise Unavailable("the figures could not be computed") from error


def _file_name(asked: Asked) -> str:
    return f"onthaal-{asked.house.site}-{asked.span.value}-{asked.of.first.isoformat()}"


def _download(text: str, kind: str, name: str) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, headers=headers, media_type=kind)


# --- what the template works with -----------------------------------------------------------------------


def _context(asked: Asked) -> dict[str, Any]:
    """The page without any figure: of which days it is, and where its links lead."""
    house, span, of = asked.house, asked.span, asked.of
    locale = locale_of(asked.language, house.region)
    after = of.last + timedelta(days=1)
    return {
        "site": house.site,
        "house_name": house.name,
        "span": span.value,
        "spans": [each.value for each in Span],
        "on": asked.on.isoformat(),
        "today": asked.today.isoformat(),
        "query": f"span={span.value}&on={asked.on.isoformat()}",
        "heading": _days(of, span, locale),
        "weekday": of.first.weekday(),
        "week": of.first.isocalendar().week,
        "before": (of.first - timedelta(days=1)).isoformat() if of.first > _FIRST else None,
        "after": after.isoformat() if after <= asked.today else None,
        "until": f"{to_datetime(asked.now, house.calendar.zone):%H:%M}",
        "shows": asked.shows.value,
        "norm_min": house.norm.within_s // 60,
        "grace_min": house.policy.grace_s // 60,
        "early_min": house.policy.early_s // 60,
        "norm_percent": house.norm.percent,
        "discreet": any(service.discreet for service in house.services.values()),
        "service_names": {service.id: service.name for service in house.services.values()},
        "says": Says(locale),
    }


def _days(of: Days, span: Span, locale: Locale) -> str:
    if span is Span.YEAR:
        return str(of.first.year)
    if span is Span.WEEK:
        return str(format_interval(of.first, of.last, "yMMMMd", locale=locale))
    return format_date(of.first, "full", locale)


def _told(asked: Asked, told: Overview | None) -> dict[str, Any]:
    """The figures, as a template has use for them; ``state`` says whether there are any."""
    if told is None:
        return {"state": "failed"}
    if not told.days:
        return {
            "state": "empty",
            "coming": asked.of.first > asked.today,
            "under_way": asked.span is Span.YEAR and asked.of.first <= asked.today <= asked.of.last,
        }
    says = Says(locale_of(asked.language, asked.house.region))
    return {
        "state": "told",
        "told": told,
        "ends": asked.of.last.isoformat(),
        "numbers": {figure.value: told.numbers[figure] for figure in Figure},
        "compared": [
            {
                "kind": each.against.kind.value,
                "days": each.days,
                "changes": {
                    figure.value: change(figure, told.numbers, each.numbers, says) for figure in Figure
                },
            }
            for each in told.compared
        ],
        "tables": told.tables,
        "arrived": _arrived(told.tables["arrivals"]),
        "steps": _steps(told.tables["arrivals"]),
        "peak": _peaks(told.tables["busyness"]),
        "longest": _longest(told.tables.get("hours")),
        "map": _map(told.tables["busyness"]),
        "outside": _outside(told.tables),
        "calls": _some(told.tables["calls-by-hour"], "calls", "visits"),
        "digital": _some(told.tables["digital-wait"], "told"),
    }


@dataclass(frozen=True, slots=True)
class Change:
    """How a number differs from another: ``way`` is more, less or same; ``amount`` and ``other`` are said."""

    way: str
    amount: float
    other: float


def change(figure: Figure, numbers: Numbers, others: Numbers, says: Says) -> Change | None:
    """The difference as it is shown, so that it never contradicts what stands beside it; None of nothing."""
    value, other = numbers[figure], others[figure]
    if value is None or other is None:
        return None
    unit = UNITS[figure]
    shown = says.rounded(value, unit) - says.rounded(other, unit)
    way = "same" if not shown else "more" if shown > 0 else "less"
    return Change(way, abs(shown), other)


def _rows(table: Table) -> list[dict[str, Any]]:
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def _arrived(table: Table) -> dict[str, int]:
    """How many appointments there were of each arrival, and in all."""
    counts = dict.fromkeys(("early", "on-time", "grace", "late", "never"), 0)
    for row in _rows(table):
        counts[row["arrival"]] += row["appointments"]
    return counts | {"all": sum(counts.values())}


def _steps(table: Table) -> list[tuple[Value, ...]]:
    """The bars from the first with anybody to the last, and who never came; a page leaves out the rest."""
    *bars, never = table.rows
    some = [place for place, row in enumerate(bars) if row[-1]]
    return [*(bars[some[0] : some[-1] + 1] if some else ()), never]


def _peaks(table: Table) -> dict[str, dict[str, Any] | None]:
    """Where each of the two maps is highest."""

    def highest(key: str) -> dict[str, Any] | None:
        return max((row for row in _rows(table) if row[key] is not None), key=_by(key), default=None)

    return {"busyness": highest("visits_a_day"), "busy-waits": highest("wait_p50_s")}


def _longest(table: Table | None) -> dict[str, Any] | None:
    """The hour with the day's longest wait, and the most counters that were open in any."""
    if table is None:
        return None
    rows = _rows(table)
    waits = [row for row in rows if row["wait_longest_s"] is not None]
    most = max((row["counters"] for row in rows), default=0)
    return max(waits, key=_by("wait_longest_s")) | {"most": most} if waits else None


def _outside(tables: dict[str, Table]) -> set[str]:
    """Which of the figures from outside there are at all."""
    some = {
        "satisfaction": _some(tables["satisfaction-by-service"], "answers"),
        "digital-wait": _some(tables["digital-wait"], "told"),
        "calls": _some(tables["calls-by-hour"], "calls"),
    }
    return {name for name, there in some.items() if there}


def _some(table: Table, *keys: str) -> list[tuple[Value, ...]]:
    """The rows that have anything in one of these columns."""
    places = [place for place, column in enumerate(table.columns) if column.key in keys]
    return [row for row in table.rows if any(row[place] for place in places)]


def _by(key: str) -> Callable[[dict[str, Any]], float]:
    return lambda row: float(row[key])


def _map(table: Table) -> dict[str, Any]:
    """The map as rows of weekdays by hours."""
    rows = _rows(table)
    return {
        "hours": list(range(min(row["hour"] for row in rows), max(row["hour"] for row in rows) + 1)),
        "days": list(dict.fromkeys(row["weekday"] for row in rows)),
        "cells": {(row["weekday"], row["hour"]): row for row in rows},
    }


@dataclass(frozen=True, slots=True)
class Says:
    """Values as they are written in a language."""

    locale: Locale

    def rounded(self, value: float, unit: Unit) -> float:
        """A value as precisely as it is shown: whole counts and seconds, shares to a tenth of a per cent."""
        return round(value, 3) if unit is Unit.SHARE else float(int(value + 0.5))

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many digits after the point at most."""
        return str(format_decimal(round(value, digits), "#,##0.###", self.locale))

    def percent(self, value: float) -> str:
        """A share as per cent, to a tenth."""
        return str(format_percent(round(value, 3), "#,##0.0\u00a0%", self.locale))

    def day(self, day: date) -> str:
        """A day, long."""
        return format_date(day, "long", self.locale)

    def cell(self, value: Value, column: Column) -> str:
        """What stands in a table; a dash where there is nothing to tell."""
        if value is None:
            return "–"
        if isinstance(value, str | bool):
            return str(value)
        if column.unit is Unit.SECONDS:
            return clock(value)
        if column.unit is Unit.SHARE:
            return self.percent(value)
        return self.number(value, 0 if column.unit is Unit.COUNT else 1)
