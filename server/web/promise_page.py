"""``/{site}/promise``: how well waiting times hold, for anybody, where the city shows it."""

from __future__ import annotations

import time
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from server.domain.house import House
from server.promise.promises import Calibration
from server.web.endpoint import Parts
from server.web.errors import Problem
from server.web.pages import page
from server.web.promised import calibration
from server.web.tickets import language_of

DAYS = 28
"""Local days that it is about, today included."""

KEPT_S = 60.0
"""How long one answer serves all who ask, in real seconds: nobody need sign in to ask."""


class PromisePage:
    """The handler of the page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: dict[str, tuple[float, Calibration]] = {}

    async def page(self, request: Request) -> Response:
        """The page; a 404 where the site does not show it."""
        site = self._parts.live.sites.get(request.path_params["site"])
        if site is None or not site.house.public_calibration:
            raise Problem(404, "not-found", "There is no such page.")
        house = site.house
        found = await self._found(house)
        return page(
            "promise",
            language_of(request, house),
            site=house.site,
            house_name=house.name,
            of_100=int(100 * found.share(found.in_time)) if found.telling else None,
            known=found.known,
        )

    async def _found(self, house: House) -> Calibration:
        known = self._known.get(house.site)
        if known is None or time.monotonic() - known[0] > KEPT_S:
            last = house.calendar.local_date(self._parts.clock.now())
            found = await calibration(self._parts, house, last - timedelta(days=DAYS - 1), last)
            known = self._known[house.site] = time.monotonic(), found["all"]
        return known[1]
