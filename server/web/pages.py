"""The pages: rendered from ``displays/pages``, with a strict Content-Security-Policy around them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import displays
from server.access import COOKIE, Principal, Right
from server.domain.house import House
from server.domain.layout import layout, usual, width_em
from server.live import Site
from server.web.endpoint import Parts
from server.web.errors import Problem
from server.web.session import own_path, renewed
from server.words import Words, choose, words

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(displays.__file__).parent / "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)


def page(name: str, language: str, **context: object) -> Response:
    """A page from its template, in a language; ``status`` of a problem is the answer's as well."""
    status = context.get("status", 200)
    assert isinstance(status, int)
    said: Words = words(name, language)
    body = _templates.get_template(f"{name}.html").render(context, **said.context())
    return Response(body, status, {**HEADERS, "Content-Language": said.language}, "text/html")


def wording(name: str, part: str, language: str) -> Any:
    """What a template in ``parts`` sets, in the words of the page that includes it."""
    said = words(name, language)
    return _templates.get_template(f"parts/{part}.html").make_module(said.context())


def problem_page(problem: Problem, language: str) -> Response:
    """A problem for people."""
    return page("problem", language, status=problem.status, title=problem.code, detail=problem.detail)


class Pages:
    """The handlers of pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def language(self) -> str:
        """The language of pages that are of no site: that of the first."""
        return next(iter(self._parts.live.sites.values())).house.languages[0]

    async def index(self, request: Request) -> Response:
        """``/`` and ``/{site}``: every page that who is signed in may open, with a word on whom it is for.

        A stranger sees all of them. Where there are several sites, ``/`` lists them.
        """
        sites = self._parts.live.sites
        if "site" not in request.path_params and len(sites) > 1:
            names = {name: site.house.name for name, site in sites.items()}
            return page("houses", self.language, houses=names)
        site = self._site(request.path_params.get("site") or next(iter(sites)))
        principal = await self._principal(request)

        def may(right: Right, counter: str | None = None) -> bool:
            return principal is None or principal.may(right, site.house.site, counter)

        return page(
            "index",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            screens=list(site.house.screens.values()),
            counters=[name for name in site.house.counters if may(Right.RUN_COUNTER, name)],
            may={
                "hall": may(Right.WATCH_HALL),
                "reception": may(Right.SEARCH_APPOINTMENTS),
                "management": may(Right.WATCH_MANAGEMENT),
                "figures": may(Right.READ_FIGURES),
                "whatif": may(Right.READ_FIGURES),
                "devices": may(Right.MANAGE_DEVICES),
                "webhooks": may(Right.MANAGE_WEBHOOKS),
                "messages": may(Right.SEE_MESSAGES),
            },
            counter=principal.counter if principal else None,
            promise=site.house.public_calibration,
            signed_in=principal is not None,
            role=principal.role.value if principal else None,
        )

    async def hall(self, request: Request) -> Response:
        """The hall screen: ``?screen=ID`` is one of the configuration, without it any."""
        site = self._site(request.path_params["site"])
        refused = await self._gate(request, Right.WATCH_HALL, site.house)
        if refused is not None:
            # Nobody sits at a screen: it asks to be let in by itself.
            stranger = refused.status_code == 303 and "screen" in request.query_params
            return RedirectResponse("/screen", 303, HEADERS) if stranger else refused
        house, wanted = site.house, request.query_params.get("screen")
        if wanted is not None and wanted not in house.screens:
            raise Problem(404, "unknown-screen", "No screen of this site has that id.")
        plan = house.screens[wanted] if wanted is not None else None
        layouts = (layout(plan, house.counters),) if plan else usual(house.counters)
        answer = page(
            "hall",
            choose(house.languages[:1], house.languages),
            site=house.site,
            house_name=house.name,
            screen=plan.id if plan else "",
            sounds=plan.sounds if plan else True,
            measured=plan is not None,
            layouts=json.dumps([asdict(each) for each in layouts]),
            longest=max(house.counters, key=width_em),
            logo=bool(house.theme.logo),
        )
        return await renewed(self._parts.doorkeeper, request, answer)

    async def own_devices(self, request: Request) -> Response:
        """``/devices``: short enough to be read from a screen; on to the site of who is signed in."""
        principal = await self._principal(request)
        if principal is None:
            return RedirectResponse("/sign-in?next=/devices", 303, HEADERS)
        return RedirectResponse(f"/{principal.site}/devices", 303, HEADERS)

    async def devices(self, request: Request) -> Response:
        """Where screens and kiosks are let in and let out."""
        site = self._site(request.path_params["site"])
        refused = await self._gate(request, Right.MANAGE_DEVICES, site.house)
        return refused or page(
            "devices",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            screen_address=f"{request.headers.get('host', '')}/screen",
        )

    async def webhooks(self, request: Request) -> Response:
        """Which systems are told of events, and what has not arrived there."""
        site = self._site(request.path_params["site"])
        refused = await self._gate(request, Right.MANAGE_WEBHOOKS, site.house)
        return refused or page(
            "webhooks",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            zone=site.house.calendar.zone.key,
        )

    async def messages(self, request: Request) -> Response:
        """The messages that were sent to people; what they say is for who may read it."""
        site = self._site(request.path_params["site"])
        refused = await self._gate(request, Right.SEE_MESSAGES, site.house)
        if refused is not None:
            return refused
        principal = await self._principal(request)
        return page(
            "sent",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            reads=principal is not None and principal.may(Right.READ_MESSAGES, site.house.site),
        )

    async def counter(self, request: Request) -> Response:
        """A counter's panel."""
        site = self._site(request.path_params["site"])
        counter = request.path_params["counter"]
        if counter not in site.house.counters:
            raise Problem(404, "unknown-counter", "There is no such counter here.")
        refused = await self._gate(request, Right.RUN_COUNTER, site.house, counter)
        return refused or page(
            "counter",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            counter=counter,
        )

    async def reception(self, request: Request) -> Response:
        """The reception desk."""
        site = self._site(request.path_params["site"])
        refused = await self._gate(request, Right.SEARCH_APPOINTMENTS, site.house)
        return refused or page(
            "reception",
            site.house.languages[0],
            site=site.house.site,
            house_name=site.house.name,
            languages=site.house.languages,
        )

    async def management(self, request: Request) -> Response:
        """The supervisor's overview."""
        site = self._site(request.path_params["site"])
        refused = await self._gate(request, Right.WATCH_MANAGEMENT, site.house)
        return refused or page(
            "management", site.house.languages[0], site=site.house.site, house_name=site.house.name
        )

    async def let_in(self, request: Request, right: Right) -> tuple[House, Response | None]:
        """The house of a page's address, and the answer for who does not hold the right there."""
        house = self._site(request.path_params["site"]).house
        return house, await self._gate(request, right, house)

    async def sign_in(self, request: Request) -> Response:
        """The form that takes a login and a password, or a token."""
        return page("signin", self.language, next=own_path(request.query_params.get("next", "/")))

    def house(self, request: Request) -> House:
        """The house that a path names."""
        return self._site(request.path_params["site"]).house

    async def gate(self, request: Request, right: Right, house: House) -> Response | None:
        """What who may not see a page of this house gets in its place."""
        return await self._gate(request, right, house)

    def _site(self, name: str) -> Site:
        site = self._parts.live.sites.get(name)
        if site is None:
            raise Problem(404, "unknown-site", "There is no such page.")
        return site

    async def _principal(self, request: Request) -> Principal | None:
        cookie = request.cookies.get(COOKIE)
        return await self._parts.doorkeeper.by_cookie(cookie) if cookie else None

    async def _gate(
        self, request: Request, right: Right, house: House, counter: str | None = None
    ) -> Response | None:
        """A redirect to sign-in for a stranger; a problem for who may not see the page."""
        principal = await self._principal(request)
        if principal is None:
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(here)}", 303, HEADERS)
        if not principal.may(right, house.site, counter):
            raise Problem(403, "not-allowed", "You are signed in, but not for this page.")
        return None
