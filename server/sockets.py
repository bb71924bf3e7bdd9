"""The live endpoint: who may watch what, and how a connection is handed to the hub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from displays.presence import Key, Place
from displays.protocol import Close, Receipt
from server.access import COOKIE, Doorkeeper, Principal, Right, Role, same_origin
from server.database import Unavailable
from server.hub import FULL_AT, Hub, Viewer
from server.keys import Keys
from server.live import Live, Site
from server.metrics import GLASS, RECEIPTS
from server.presence import Seat
from server.publisher import Address, Publisher
from server.wire import EXTENSION, LiveProtocol, comeback_s

log = logging.getLogger("onthaal.sockets")

PACE_S = 0.01
"""How long a viewer's next receipt waits after one, in real seconds: a flood is held up in the network."""

RECHECK_S = 30.0
"""How often viewers are asked again whether they still may watch, in real seconds."""

_RIGHTS = {
    "hall": Right.WATCH_HALL,
    "counters": Right.WATCH_COUNTER,
    "reception": Right.WATCH_RECEPTION,
    "management": Right.WATCH_MANAGEMENT,
}
_receipts = msgspec.json.Decoder(Receipt)


class Sockets:
    """The WebSocket endpoints, one method a shape of path. ``full_at`` is how many viewers there may be."""

    def __init__(
        self,
        live: Live,
        hub: Hub,
        publisher: Publisher,
        doorkeeper: Doorkeeper,
        keys: Keys,
        public_url: str,
        full_at: int = FULL_AT,
    ) -> None:
        self._live = live
        self._hub = hub
        self._publisher = publisher
        self._doorkeeper = doorkeeper
        self._keys = keys
        self._public_url = public_url
        self._full_at = full_at
        self._let_in: dict[Viewer, tuple[WebSocket, Address]] = {}
        self._recheck = asyncio.Event()

    async def topic(self, websocket: WebSocket) -> None:
        """``/live/{site}/{audience}`` and ``/live/{site}/counters/{counter}``."""
        await websocket.accept()
        names = websocket.path_params
        which = names.get("counter", "")
        address = Address(names["site"], "counters" if which else names.get("audience", ""), which)
        try:
            code = await self._refusal(websocket, address)
            key = None if code is not None else await self._key(websocket, address)
        except Unavailable:
            _wire(websocket).close(Close.TRY_LATER, comeback_s())
            return
        if code is not None:
            _wire(websocket).close(code)
            return
        await self._watch(websocket, address, key, by_rights=True)

    async def visit(self, websocket: WebSocket) -> None:
        """``/live/visits/{secret}``: whoever has the link may watch."""
        await websocket.accept()
        if not self._origin_passes(websocket, needed=False):
            _wire(websocket).close(Close.NOT_ALLOWED)
            return
        visit = self._keys.visit_of(websocket.path_params["secret"])
        site = next((name for name, site in self._live.sites.items() if visit in site.day.visits), None)
        if visit is None or site is None:
            _wire(websocket).close(Close.UNKNOWN)
            return
        await self._watch(websocket, Address(site, "visits", visit), None, by_rights=False)

    async def unknown(self, websocket: WebSocket) -> None:
        """Any other path under ``/live``."""
        await websocket.accept()
        _wire(websocket).close(Close.UNKNOWN)

    async def recheck(self, every_s: float = RECHECK_S) -> None:
        """Dismiss viewers whose token or session has ended; one task, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await self._recheck.wait()
            self._recheck.clear()
            for viewer, (websocket, address) in list(self._let_in.items()):
                with contextlib.suppress(Unavailable):  # then they stay until somebody can tell
                    code = await self._refusal(websocket, address)
                    if code is not None:
                        self._hub.dismiss(viewer, code)

    def recheck_now(self) -> None:
        """Ask viewers again at once: somebody lost what let them in."""
        self._recheck.set()

    async def _refusal(self, websocket: WebSocket, address: Address) -> Close | None:
        """The code with which a topic is refused to who asks, or None."""
        principal = await self._principal(websocket)
        if principal is None:
            return Close.NOT_SIGNED_IN
        if not self._origin_passes(websocket, needed=principal.by_cookie):
            return Close.NOT_ALLOWED
        right = _RIGHTS.get(address.audience)
        if right is None:
            return Close.UNKNOWN
        if not principal.may(right, address.site, address.which or None):
            return Close.NOT_ALLOWED
        site = self._live.sites.get(address.site)
        if site is None or (address.audience == "counters" and address.which not in site.house.counters):
            return Close.UNKNOWN
        return None

    async def _key(self, websocket: WebSocket, address: Address) -> Key | None:
        """Which screen or panel this is; None for who only looks on.

        A supervisor with a panel before them must not make it seem that the counter's own still lives,
        nor a desk that looks at the hall's picture be taken for the screen that hangs there.
        """
        principal = await self._principal(websocket)
        if principal is None:
            return None
        if address.audience == "hall":
            name = websocket.query_params.get("screen", "")
            hangs = principal.role is Role.SCREEN and name in self._live.sites[address.site].house.screens
            return (Place.SCREEN, name) if hangs else (Place.UNNAMED, "")
        if address.audience == "counters" and principal.may(Right.RUN_COUNTER, address.site, address.which):
            return Place.PANEL, address.which
        return None

    async def _principal(self, websocket: WebSocket) -> Principal | None:
        scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._doorkeeper.by_token(token.strip())
        if scheme:
            return None
        cookie = websocket.cookies.get(COOKIE)
        return await self._doorkeeper.by_cookie(cookie) if cookie else None

    def _origin_passes(self, websocket: WebSocket, *, needed: bool) -> bool:
        origin = websocket.headers.get("origin")
        if origin is None:
            return not needed
        return same_origin(origin, websocket.headers.get("host", ""), self._public_url)

    async def _watch(
        self, websocket: WebSocket, address: Address, key: Key | None, *, by_rights: bool
    ) -> None:
        """Show a topic until the viewer goes or is dismissed."""
        wire = _wire(websocket)
        if self._hub.viewers >= self._full_at:
            wire.close(Close.TRY_LATER, comeback_s())
            return
        viewer = Viewer(wire)
        # No await from here to `attach`: what is published in between would be missed.
        try:
            frame = self._publisher.first(address)
        except Exception:
            log.exception("no first view for an audience: %s", address.audience)
            wire.close(Close.INTERNAL)
            return
        wire.hand_over(viewer, self._hub)
        self._hub.attach(viewer, address.name, frame, urgent=address.urgent)
        if by_rights:
            self._let_in[viewer] = (websocket, address)
        presence = self._publisher.presence
        seat = None if key is None else presence.join(address.site, key)
        try:
            await self._receipts(websocket, viewer, address, seat)
        except WebSocketDisconnect:
            pass
        finally:
            if seat is not None:
                presence.leave(seat)
            self._let_in.pop(viewer, None)
            self._hub.detach(viewer)

    async def _receipts(
        self, websocket: WebSocket, viewer: Viewer, address: Address, seat: Seat | None
    ) -> None:
        """Read what a client sends until it goes: receipts, and nothing else."""
        site, came = self._live.sites[address.site], time.monotonic()
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                self._hub.dismiss(viewer, Close.NOT_TEXT)
                return
            try:
                receipt = _receipts.decode(text)
            except (msgspec.DecodeError, msgspec.ValidationError):
                self._hub.dismiss(viewer, Close.BAD_MESSAGE)
                return
            RECEIPTS.labels(address.audience).inc()
            painted = receipt.painted
            if painted is not None and painted > site.day.seq:
                painted = None  # nobody was ever shown this
            glass_s = None
            if painted is not None and painted > viewer.painted:
                viewer.painted, viewer.painted_at = painted, time.monotonic()
                accepted = site.accepted.get(painted)
                # Who came later, and whose picture merely still held, did not wait for this one.
                if accepted is not None and accepted >= came and self._publisher.brought(address, painted):
                    glass_s = viewer.painted_at - accepted
                    GLASS.labels(address.audience).observe(glass_s)
            if seat is not None:
                call, sound = _sounded(site, receipt), receipt.sound
                self._publisher.presence.receipt(
                    seat, painted=painted, glass_s=glass_s, call=call, sound=sound
                )
            await asyncio.sleep(PACE_S)


def _sounded(site: Site, receipt: Receipt) -> tuple[str, str] | None:
    """The newest call (id, ticket) that was sounded; ids that are no call of today count for nothing."""
    told = set(receipt.sounded)
    return (
        next(((call.id, call.ticket) for call in site.day.calls if call.id in told), None) if told else None
    )


def _wire(websocket: WebSocket) -> LiveProtocol:
    """The connection itself, to close it whether or not it takes bytes now."""
    wire: LiveProtocol = websocket.scope["extensions"][EXTENSION]
    return wire
