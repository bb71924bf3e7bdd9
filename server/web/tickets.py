"""What a ticket's secret link gives a citizen: its page, its frame, its QR code, a way out of the queue."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import time

import msgspec
import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from displays import ticket
from notify import contacts, subscriptions, targets
from server import live, satisfaction
from server.database import Unavailable
from server.domain import commands as co
from server.domain.day import Status
from server.domain.house import House
from server.domain.refusal import Code, Refused
from server.domain.schedule import to_datetime
from server.live import Key, Site
from server.publisher import Address
from server.web import bodies, pages, visits
from server.web.endpoint import Parts, Pushing, answered, check_own_page, idempotency_key, parse, read_body
from server.web.errors import Problem
from server.words import accepted, choose, offered

MAY_LEAVE = (Status.WAITING, Status.PARKED)
QR_HEADERS = {
    **pages.HEADERS,
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Tickets:
    """The handlers behind a ticket's link: its secret is the right to them, and to that visit alone."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def page(self, request: Request) -> Response:
        """``/t/{secret}``: it changes nothing, however often it is fetched."""
        return await self._page(request, leaving=False)

    async def leave(self, request: Request) -> Response:
        """``/t/{secret}/leave``: GET asks whether one is sure, POST leaves and leads back to the page."""
        if request.method != "POST":
            return await self._page(request, leaving=True)
        site, visit = self._found(request)
        self._check_origin(request)
        there = f"/t/{request.path_params['secret']}"
        try:
            # Without a key: who has left stays so, and a second time changes nothing.
            await self._leave(request, site, visit, None)
        except Refused as refused:
            if refused.code not in (Code.NOT_WAITING, Code.DAY_OVER):
                raise
            there += "/leave"
        return RedirectResponse(
            there + with_language(asked_language(request, site.house)), 303, pages.HEADERS
        )

    async def leave_by_api(self, request: Request) -> Response:
        """``POST /api/v1/visits/{secret}/leave``: the same for programs."""
        site, visit = self._found(request)
        self._check_origin(request)
        raw = await read_body(request)
        parse(request, raw, bodies.Nothing)
        return answered(await self._leave(request, site, visit, idempotency_key(request, visit, raw)))

    async def push(self, request: Request) -> Response:
        """``/t/{secret}/push``: POST keeps a browser's push subscription for the visit, DELETE forgets it."""
        site, visit = self._found(request)
        self._check_origin(request)
        kept = None
        if request.method == "POST":
            kept = await subscription(await read_body(request), self._parts.push)
        keys, name = self._parts.keys, site.house.site
        await self._parts.database.write(
            lambda connection: contacts.set_push(connection, keys, name, visit, kept)
        )
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def frame(self, request: Request) -> Response:
        """``/api/v1/visits/{secret}``: the view, as a frame."""
        site, visit = self._found(request)
        return answered(self._parts.publisher.frame(Address(site.house.site, "visits", visit)))

    async def qr(self, request: Request) -> Response:
        """``/t/{secret}/qr.svg``: the link as a QR code, dark on light, with the quiet zone of 4 modules."""
        _site, visit = self._found(request)
        picture = await asyncio.to_thread(_qr, self._parts.link(visit))
        return Response(picture, 200, QR_HEADERS, "image/svg+xml")

    async def _page(self, request: Request, *, leaving: bool) -> Response:
        site, visit = self._found(request)
        house, model = site.house, self._parts.publisher.model(site)
        known = site.day.visits[visit]
        view = ticket.page(model, known)
        opens = ticket.opens_at(model)
        asked = asked_language(request, house)
        score, may_rate = await self._rated(visit) if view.may_rate else (None, False)
        answer = pages.page(
            "ticket",
            language_of(request, house, known.language),
            view=view,
            outlook=ticket.outlook(model, known),
            minutes=None
            if view.low_s is None or view.high_s is None
            else ticket.minutes(view.low_s, view.high_s),
            opens=opens and f"{to_datetime(opens, house.calendar.zone):%H:%M}",
            house_name=house.name,
            house_language=house.languages[0],
            notice=house.notice,
            languages=offered(house.languages),
            here=f"/t/{request.path_params['secret']}",
            query=with_language(asked),
            leaving=leaving,
            may_leave=known.status in MAY_LEAVE,
            score=score,
            may_rate=may_rate,
            kept_days=house.messages.kept_s // 86_400,
            push=self._parts.push and self._parts.push.key,
        )
        answer.headers["Vary"] = "Accept-Language"
        return answer

    async def _rated(self, visit: str) -> tuple[int | None, bool]:
        """The score that a visit was given, and whether one may be given or changed now."""
        # A page that cannot be told asks nothing, and shows the rest.
        with contextlib.suppress(Unavailable):
            given = await self._parts.database.read(lambda connection: satisfaction.get(connection, visit))
            if given is None:
                return None, True
            return given.score, self._parts.clock.now() <= given.until
        return None, False

    def _found(self, request: Request) -> tuple[Site, str]:
        return found_visit(self._parts, request)

    def _check_origin(self, request: Request) -> None:
        """Refuse the forms of other sites."""
        check_own_page(request, self._parts.public_url)

    async def _leave(self, request: Request, site: Site, visit: str, key: Key | None) -> bytes:
        return await self._parts.live.execute(
            live.Request(
                site.house.site,
                lambda _known: co.Leave(visit=visit),
                lambda decided: msgspec.json.encode(visits.moved(decided)),
                key=key,
                accepted=request.scope.get("onthaal.accepted") or time.monotonic(),
            )
        )


def found_visit(parts: Parts, request: Request) -> tuple[Site, str]:
    """The site and visit of the secret. Raises a 404, told in the language of who asks."""
    sites = parts.live.sites.values()
    request.scope["onthaal.language"] = language_of(request, next(iter(sites)).house)
    visit = parts.keys.visit_of(request.path_params["secret"])
    for site in sites:
        if visit is not None and visit in site.day.visits:
            return site, visit
    raise Problem(404, "unknown-ticket", "This ticket is not of today.")


async def subscription(raw: bytes, pushing: Pushing | None) -> str:
    """A subscription out of its JSON, as it is kept. Raises a problem."""
    if pushing is None:
        raise Problem(404, "no-push", "This house sends no messages to browsers.")
    try:
        found = subscriptions.read(raw, pushing.hosts)
        await targets.resolved(subscriptions.host(found), 443)
    except subscriptions.BadSubscription as error:
        raise Problem(422, "bad-subscription", f"{error}.", field=error.field) from None
    except targets.BadTarget as error:
        # It is asked again before each message: a name that does not resolve now may do so then.
        if error.code != "unknown-name":
            raise Problem(
                422, "bad-subscription", "The push service is not on the public internet."
            ) from None
    return subscriptions.stored(found)


@functools.lru_cache(256)
def _qr(link: str) -> bytes:
    """A link as a QR code; it takes tens of milliseconds, too long for the loop."""
    picture = io.BytesIO()
    code = segno.make_qr(link, error="m")
    code.save(picture, kind="svg", border=4, dark="#000", light="#fff", omitsize=True)
    return picture.getvalue()


def asked_language(request: Request, house: House) -> str | None:
    """The language that was chosen on the page, if it is one of the house's."""
    asked = request.query_params.get("lang", "")
    return asked if asked in offered(house.languages) else None


def with_language(asked: str | None) -> str:
    """The query that keeps a chosen language."""
    return f"?lang={asked}" if asked else ""


def language_of(request: Request, house: House, own: str | None = None) -> str:
    """The language chosen on the page, else the visit's own, else the browser's, among those of the house."""
    wanted = [asked_language(request, house), own, *accepted(request.headers.get("accept-language", ""))]
    return choose(filter(None, wanted), house.languages)
