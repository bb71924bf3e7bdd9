"""How a visit was: said by who has the ticket's link, and what they wrote, for who leads the house."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import parse_qs

import msgspec
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import satisfaction
from server.access import Right
from server.domain.day import OVER
from server.domain.schedule import iso
from server.live import Key, Site
from server.satisfaction import NoLonger
from server.web import bodies, pages
from server.web.endpoint import (
    SITE,
    Ask,
    Endpoint,
    Parts,
    answered,
    check_own_page,
    idempotency_key,
    once_at,
    parse,
    read_body,
)
from server.web.errors import Problem
from server.web.tickets import asked_language, found_visit, with_language

SHOWN = 100
"""How many words an answer has where nothing else is asked for."""

NOT_OVER, CLOSED = "visit-not-over", "rating-closed"
"""What may stand against a rating."""


class Ratings:
    """The handlers of a rating: a ticket's secret is the right to rate that visit."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def by_form(self, request: Request) -> Response:
        """``POST /t/{secret}/satisfaction``: the form of the page. An empty word says nothing."""
        site, visit = self._found(request)
        rating = _written(await read_body(request))
        try:
            # Without a key: a second time puts the same in place of the first.
            await self._give(site, visit, rating, None)
        except Problem as problem:
            if problem.code not in (NOT_OVER, CLOSED):
                raise
        query = with_language(asked_language(request, site.house))
        return RedirectResponse(f"/t/{request.path_params['secret']}{query}", 303, pages.HEADERS)

    async def by_api(self, request: Request) -> Response:
        """``POST /api/v1/visits/{secret}/satisfaction``: the same for programs, and for the page's script."""
        site, visit = self._found(request)
        raw = await read_body(request)
        rating = parse(request, raw, bodies.Rating)
        assert isinstance(rating, bodies.Rating)
        if rating.word is None:
            rating.word = ""
        return answered(await self._give(site, visit, rating, idempotency_key(request, visit, raw)))

    def _found(self, request: Request) -> tuple[Site, str]:
        found = found_visit(self._parts, request)
        check_own_page(request, self._parts.public_url)
        return found

    async def _give(self, site: Site, visit: str, rating: bodies.Rating, key: Key | None) -> bytes:
        house, known = site.house, site.day.visits[visit]
        service = house.services.get(known.service)
        discreet = service is None or service.discreet
        word = rating.word.strip() if isinstance(rating.word, str) else None
        keys, day, now = self._parts.keys, site.day.date, self._parts.clock.now()

        def work(connection: sa.Connection) -> bodies.Rated:
            if known.status not in OVER:
                raise Problem(409, NOT_OVER, "The visit is not over yet.")
            try:
                given = satisfaction.give(
                    connection,
                    keys,
                    site=house.site,
                    day=day,
                    visit=visit,
                    score=rating.score,
                    now=now,
                    kept_s=house.messages.kept_s,
                    # What is told to nobody is not to be found in anybody's own words either.
                    word=None if discreet else word,
                )
            except NoLonger:
                raise Problem(409, CLOSED, "What was said of this visit can no longer be changed.") from None
            return bodies.Rated(given.score, iso(given.until))

        return await once_at(self._parts.database, house.site, key, work)


def _written(raw: bytes) -> bodies.Rating:
    """The rating of a form. Raises a problem."""
    try:
        fields = parse_qs(raw.decode("latin-1"), max_num_fields=10, errors="replace")
        rating = bodies.Rating(msgspec.convert(fields["score"][0], bodies.Score, strict=False))
        if "word" in fields:
            # A browser ends the lines of a form with two characters where the person wrote one.
            rating.word = msgspec.convert(fields["word"][0].replace("\r\n", "\n"), bodies.Word)
    except (KeyError, ValueError, msgspec.ValidationError):
        raise Problem(422, "invalid-body", "score: choose a number from 0 to 10.", field="score") from None
    return rating


async def _words(ask: Ask) -> bodies.SaidWords:
    services = ask.site.house.services
    hidden = frozenset(name for name, service in services.items() if service.discreet)
    first, last = ask.query["from"], ask.query["to"]
    if last < first:
        raise Problem(422, "invalid-query", "to: lies before from.", parameter="to")
    limit = ask.query.get("limit", SHOWN)
    found = await ask.parts.database.read(
        lambda connection: satisfaction.words(
            connection,
            ask.parts.keys,
            ask.site_name,
            first.isoformat(),
            last.isoformat(),
            hidden,
            limit + 1,
        )
    )
    told = [bodies.SaidWord(each.day, each.service, each.score, each.word) for each in found[:limit]]
    return bodies.SaidWords(told, len(found) > limit)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/satisfaction/words",
        Right.READ_WORDS,
        "What citizens wrote of visits on the local days from..to, the newest day first; never whose it was",
        bodies.SaidWords,
        read=_words,
        query=(
            ("from", date, True),
            ("to", date, True),
            ("limit", Annotated[int, msgspec.Meta(ge=1, le=500)], False),
        ),
    ),
)
"""The endpoints of ratings."""
