"""What the simulated staff see: the management view, from the live wire like any screen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from server.simulate.outside import Refusal

log = logging.getLogger("onthaal.simulate")

SILENT_S = 15.0
"""Real seconds without a frame (the server promises one every 5) after which a line is dead."""

FIRST_WAIT_S = 0.2
"""Real seconds before the first attempt to come back; doubled with each that fails."""

_NEVER = frozenset({4401, 4403, 4404})
"""Close codes that another try would meet again: not signed in, not allowed, unknown."""


class Service(msgspec.Struct):
    """A service of the view: how many wait for it."""

    id: str
    waiting: int


class Counter(msgspec.Struct):
    """A counter of the view, and the state of the ticket at it."""

    counter: str
    mode: str
    status: str | None


class Today(msgspec.Struct):
    """The day so far, in people."""

    visits: int
    waiting: int
    served: int
    left: int
    booked: int


class View(msgspec.Struct):
    """As much of the management view as staff look at."""

    services: list[Service]
    counters: list[Counter]
    today: Today


class Frame(msgspec.Struct):
    """A frame of the wire; a heartbeat has no view."""

    seq: int
    at: str
    view: View | None = None


class Hall:
    """The newest view of the hall. ``seen`` is None until the first frame is in."""

    def __init__(self, url: str, site: str, token: str) -> None:
        self._url = f"ws{url.removeprefix('http')}/live/{site}/management"
        self._token = token
        self._decoder = msgspec.json.Decoder(Frame)
        self._changed = asyncio.Event()
        self.seen: View | None = None

    def waiting(self, services: frozenset[str]) -> int:
        """How many wait for any of these services."""
        if self.seen is None:
            return 0
        return sum(service.waiting for service in self.seen.services if service.id in services)

    async def change(self, at_most_s: float) -> None:
        """Wait for the next view, at most so many real seconds."""
        changed = self._changed
        try:
            async with asyncio.timeout(at_most_s):
                await changed.wait()
        except TimeoutError:
            pass

    async def follow(self) -> None:
        """Watch, and come back when the server went away; one task, until cancelled.

        Raises :class:`Refusal` where the server will never let us watch.
        """
        await follow(self._url, self._token, self._take)

    async def _take(self, _socket: ClientConnection, raw: str | bytes) -> None:
        frame = self._decoder.decode(raw)
        if frame.view is not None:
            self.seen = frame.view
            self._changed.set()
            self._changed = asyncio.Event()


async def follow(
    url: str, token: str, take: Callable[[ClientConnection, str | bytes], Awaitable[None]]
) -> None:
    """Give every frame of a live topic to ``take``; come back when the line broke, until cancelled.

    Raises :class:`Refusal` where the server will never let us watch.
    """
    wait_s, spread = FIRST_WAIT_S, Random()
    while True:
        try:
            async with connect(
                url,
                additional_headers={"Authorization": f"Bearer {token}"},
                compression=None,
                open_timeout=SILENT_S,
                close_timeout=2,
                ping_interval=None,
                proxy=None,
            ) as socket:
                wait_s = FIRST_WAIT_S
                while True:
                    async with asyncio.timeout(SILENT_S):
                        await take(socket, await socket.recv())
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code in _NEVER:
                raise Refusal(closed.rcvd.code, "live-line-refused", url) from None
            wait_s = max(wait_s, _delay_s(closed.rcvd.reason if closed.rcvd else ""))
            log.info("the live line closed: %s", closed)
        except (OSError, TimeoutError, WebSocketException) as error:
            log.info("the live line broke: %s", type(error).__name__)
        await asyncio.sleep(spread.uniform(0.5, 1.0) * wait_s)
        wait_s = min(2 * wait_s, 10.0)


def _delay_s(reason: str) -> float:
    """The delay that a server which is full or going away asks for."""
    try:
        return min(max(float(reason), 0.0), 30.0)
    except ValueError:
        return 0.0
