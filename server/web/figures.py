"""``GET /sites/{site}/figures``: a report of any kind, computed by the analyst."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from server.access import Right
from server.figures import kinds
from server.figures.rendering.as_json import Figures, figures
from server.figures.report import BadQuestion
from server.web.endpoint import SITE, Ask, Endpoint
from server.web.errors import Problem

_KIND: Any = Literal.__getitem__(tuple(kinds.KINDS))
_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)


async def _figures(ask: Ask) -> Figures:
    first, last = ask.query["from"], ask.query["to"]
    for name, day in (("from", first), ("to", last)):
        if not _FIRST <= day <= _LAST:
            raise Problem(422, "invalid-query", f"{name}: a day from {_FIRST} to {_LAST}.", parameter=name)
    asked = ask.query.get("by", "")
    by = tuple(name for name in asked.split(",") if name)
    parts = ask.parts
    try:
        made = await parts.analyst.ask(
            kinds.report, ask.query["kind"], ask.site.house, first, last, by, parts.clock.now()
        )
    except BadQuestion as error:
        raise Problem(422, "invalid-query", f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    return figures(made)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/figures",
        Right.READ_FIGURES,
        "The figures of a kind over the local days from..to, both included: "
        f"`kind` is {' or '.join(kinds.KINDS)}, `by` a list such as `service,hour`",
        Figures,
        read=_figures,
        query=(("from", date, True), ("to", date, True), ("kind", _KIND, True), ("by", str, False)),
    ),
)
"""The endpoint of figures."""
