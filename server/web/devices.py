"""Devices over HTTP: how they ask to be let in, and how a supervisor lets them in and out."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import devices
from server.access import COOKIE, Right, Role
from server.devices import Granted, Pending, TooManyCodes, UnknownCode
from server.domain.schedule import iso
from server.keys import token_hash
from server.limits import Limit
from server.live import Key
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, Parts, answered, check_origin, once, parse, read_body
from server.web.errors import Problem
from server.web.pages import HEADERS, Pages, page
from server.web.session import renewed, set_cookie

T = TypeVar("T")

STRANGE_CODES, STRANGE_S = 60, 60.0
"""Device codes that are none, which one address may poll with within so many real seconds."""

_TOLD = {
    Pending.AUTHORIZATION_PENDING: "Nobody has confirmed this code yet.",
    Pending.SLOW_DOWN: f"Poll once in {devices.INTERVAL_S} s at most.",
    Pending.ACCESS_DENIED: "Somebody has turned this device down.",
    Pending.EXPIRED_TOKEN: "This code is not valid (any longer): ask for a new one.",
}


class Pairing:
    """The handlers of devices that nobody has let in yet."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        # A little less than the interval: a poll may have come late and the next in time.
        self._polls = Limit(1, devices.INTERVAL_S * 0.75)
        self._strange = Limit(STRANGE_CODES, STRANGE_S)

    async def screen(self, request: Request) -> Response:
        """``/screen``: a code to be confirmed, or straight to the page of a device that was let in."""
        cookie = request.cookies.get(COOKIE)
        principal = await self._parts.doorkeeper.by_cookie(cookie) if cookie else None
        if principal is not None and principal.device is not None:
            device = principal.device
            screen = await self._parts.database.read(lambda found: devices.screen_of(found, device))
            onward = RedirectResponse(devices.home(principal, screen), 303, HEADERS)
            return await renewed(self._parts.doorkeeper, request, onward)
        return page("screen", self._pages.language)

    async def code(self, request: Request) -> Response:
        """``POST /device/code``: two codes, one to show and one to poll with."""
        self._check_origin(request, needed=False)
        body = parse(request, await read_body(request), bodies.CodeAsk)
        assert isinstance(body, bodies.CodeAsk)
        kind, address = Role(body.kind), _address(request)
        try:
            device_code, user_code = await self._parts.database.write(
                lambda connection: devices.begin(connection, kind, address)
            )
        except TooManyCodes as error:
            detail = "Too many devices ask to be let in now; try again later."
            raise Problem(429, "too-many-codes", detail, retry_after_s=60) from error
        where = f"{self._parts.public_url}/devices"
        return answered(bodies.CodeGiven(device_code, user_code, where, devices.CODE_S, devices.INTERVAL_S))

    async def token(self, request: Request) -> Response:
        """``POST /device/token``: what lets the device in, once it was confirmed."""
        body = parse(request, await read_body(request), bodies.Collect)
        assert isinstance(body, bodies.Collect)
        as_token = body.want == "token"
        self._check_origin(request, needed=not as_token)
        hashed, address = token_hash(body.device_code), _address(request)
        if self._strange.left_s(address) or self._polls.left_s(hashed):
            raise _pending(Pending.SLOW_DOWN)
        self._polls.count(hashed)
        found = await self._collect(body.device_code, as_token)
        if isinstance(found, Pending):
            if found is Pending.EXPIRED_TOKEN:
                self._strange.count(address)
            raise _pending(found)
        return self._let_in(found, as_token)

    async def _collect(self, device_code: str, as_token: bool) -> Granted | Pending:
        database = self._parts.database
        # Nearly every poll only looks: it must not cost a transaction that writes.
        still = await database.read(lambda connection: devices.standing(connection, device_code))
        if isinstance(still, Pending):
            return still
        return await database.write(
            lambda connection: devices.collect(connection, device_code, token=as_token)
        )

    def _let_in(self, granted: Granted, as_token: bool) -> Response:
        who = granted.principal
        told = bodies.LetIn(who.role.value, who.site, devices.home(who, granted.screen), granted.screen)
        if as_token:
            told.access_token, told.token_type = granted.secret, "bearer"
        answer = answered(told)
        if not as_token:
            set_cookie(answer, granted.secret, who)
        return answer

    def _check_origin(self, request: Request, *, needed: bool) -> None:
        # A browser names its page; a kiosk's program has none, and gets no cookie.
        if needed or "origin" in request.headers:
            check_origin(None, request, self._parts.public_url)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _pending(why: Pending) -> Problem:
    return Problem(400, why.value.replace("_", "-"), _TOLD[why], error=why.value)


# --- for who lets them in -------------------------------------------------------------------------


async def _naming(ask: Ask, work: Callable[[], Awaitable[T]]) -> T:
    """Do what names a code that a device shows; wrong ones are counted against who names them."""
    guesses, who = ask.parts.guesses, ask.principal.token
    left = guesses.left_s(who)
    if left:
        detail = "Too many codes that no device shows; try again later."
        raise Problem(429, "too-many-guesses", detail, retry_after_s=math.ceil(left))
    try:
        return await work()
    except UnknownCode as error:
        guesses.count(who)
        raise Problem(404, "unknown-code", "No device shows this code now.") from error


async def _list(ask: Ask) -> bodies.DeviceList:
    rows = await ask.parts.database.read(lambda connection: devices.listed(connection, ask.site_name))
    of_screen = {row.screen: row.id for row in rows if row.screen is not None}
    return bodies.DeviceList(
        [
            bodies.DeviceLine(
                row.id,
                row.role,
                row.name,
                row.screen,
                iso(row.created_at),
                row.confirmed_by,
                None if row.last_seen_at is None else iso(row.last_seen_at),
            )
            for row in rows
        ],
        [
            bodies.ScreenChoice(plan.id, plan.name, of_screen.get(plan.id))
            for plan in ask.site.house.screens.values()
        ],
    )


async def _asking(ask: Ask) -> bodies.DeviceAsking:
    code = ask.query["code"]
    database = ask.parts.database
    row = await _naming(ask, lambda: database.read(lambda connection: devices.asking(connection, code)))
    return bodies.DeviceAsking(
        devices.shown(row.user_code), row.kind, row.address, iso(row.asked_at), iso(row.expires_at)
    )


async def _confirm(ask: Ask, key: Key | None) -> bytes:
    body: bodies.Confirmation = ask.body
    screens = ask.site.house.screens
    if body.role == "kiosk" and body.screen is not None:
        raise Problem(422, "invalid-body", "screen: a kiosk is no hall screen.", field="screen")
    if body.role == "screen" and body.screen not in (screens or (None,)):
        raise Problem(422, "unknown-screen", "Name a hall screen of this house.", known=list(screens))

    def work(connection: sa.Connection) -> bodies.DeviceLetIn:
        role, by = Role(body.role), ask.principal.token
        return bodies.DeviceLetIn(
            *devices.confirm(connection, body.code, ask.site_name, role, body.screen, body.name, by)
        )

    done = await _naming(ask, lambda: once(ask, key, work))
    ask.parts.doorkeeper.forget()
    return done


async def _deny(ask: Ask, key: Key | None) -> bytes:
    def work(connection: sa.Connection) -> bodies.Denied:
        devices.deny(connection, ask.body.code)
        return bodies.Denied(devices.shown(devices.typed(ask.body.code)))

    return await _naming(ask, lambda: once(ask, key, work))


async def _revoke(ask: Ask, key: Key | None) -> bytes:
    def work(connection: sa.Connection) -> bodies.DeviceRevoked:
        if not devices.revoke(connection, ask.names["device"], ask.site_name):
            raise Problem(404, "unknown-device", "There is no such device here.")
        return bodies.DeviceRevoked(ask.names["device"])

    done = await once(ask, key, work)
    ask.parts.doorkeeper.forget()
    return done


_CODE = ((404, "unknown-code"), (429, "too-many-guesses"))

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/devices",
        Right.MANAGE_DEVICES,
        "Screens and kiosks that are let in, and the hall screens that they may be",
        bodies.DeviceList,
        read=_list,
    ),
    Endpoint(
        "GET",
        SITE + "/devices/asking",
        Right.MANAGE_DEVICES,
        "Which device shows a code and waits to be let in",
        bodies.DeviceAsking,
        read=_asking,
        query=(("code", bodies.UserCode, True),),
        others=_CODE,
    ),
    Endpoint(
        "POST",
        SITE + "/devices",
        Right.MANAGE_DEVICES,
        "Let in the device that shows a code; one that was the same hall screen is let out",
        bodies.DeviceLetIn,
        bodies.Confirmation,
        act=_confirm,
        others=(*_CODE, (422, "unknown-screen")),
    ),
    Endpoint(
        "POST",
        SITE + "/devices/deny",
        Right.MANAGE_DEVICES,
        "Turn down the device that shows a code",
        bodies.Denied,
        bodies.Denial,
        act=_deny,
        others=_CODE,
    ),
    Endpoint(
        "POST",
        SITE + "/devices/{device}/revoke",
        Right.MANAGE_DEVICES,
        "Let a device in no longer, at once",
        bodies.DeviceRevoked,
        bodies.Nothing,
        act=_revoke,
        others=((404, "unknown-device"),),
    ),
)
"""The endpoints of devices."""
