"""Where gateways call back: receipts of deliveries, and messages of citizens.

A GET changes something here, and nowhere else: see ``docs/decisions/receipts-by-get.md``.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from notify.channels import Callback, Forged, Gateway, Incoming, Nonsense, Receipt
from server.web.endpoint import Parts, read_body
from server.web.errors import Problem

T = TypeVar("T")

HANDED_ON_S = 10.0
"""How long handing on may take, in real seconds; the gateway then comes again."""


class Gateways:
    """The handlers, for the channels that have a gateway.

    ``receive`` is given all receipts of a call, ``reply`` each message of a citizen with its channel. What
    they raise answers the call with an error, and the gateway comes again: they must bear repetition.
    """

    def __init__(
        self,
        parts: Parts,
        gateways: Mapping[str, Gateway],
        receive: Callable[[list[Receipt]], Awaitable[None]],
        reply: Callable[[str, Incoming], Awaitable[None]],
    ) -> None:
        self._parts = parts
        self._gateways = gateways
        self._receive = receive
        self._reply = reply

    async def receipt(self, request: Request) -> Response:
        """``/gateways/{channel}/receipts/{delivery}/{mac}``: what became of one delivery."""
        delivery = request.path_params["delivery"]
        gateway = self._gateway(request, self._parts.keys.receipt_mac(delivery))
        return await self._received(request, gateway, delivery)

    async def receipts(self, request: Request) -> Response:
        """``/gateways/{channel}/receipts/{mac}``: what became of those that the call names."""
        gateway = self._gateway(request, self._parts.keys.gateway_mac(request.path_params["channel"]))
        return await self._received(request, gateway, "")

    async def incoming(self, request: Request) -> Response:
        """``/gateways/{channel}/incoming/{mac}``: what citizens have written."""
        channel = request.path_params["channel"]
        gateway = self._gateway(request, self._parts.keys.gateway_mac(channel))
        messages = _read(gateway.incoming, await self._callback(request, ""))

        async def hand_on() -> None:
            for message in messages:
                await self._reply(channel, message)

        return await _handed_on(hand_on)

    async def _received(self, request: Request, gateway: Gateway, delivery: str) -> Response:
        found = _read(gateway.receipts, await self._callback(request, delivery))

        async def hand_on() -> None:
            if found:
                await self._receive(found)

        return await _handed_on(hand_on)

    def _gateway(self, request: Request, mac: str) -> Gateway:
        """The gateway of a call whose address is whole; all else is no address at all."""
        gateway = self._gateways.get(request.path_params["channel"])
        known = hmac.compare_digest(request.path_params["mac"].encode(), mac.encode())
        if gateway is None or not known:
            raise Problem(404, "not-found", "There is nothing at this address.")
        if request.method == "HEAD":
            raise Problem(405, "method-not-allowed", "This address takes GET and POST.")
        return gateway

    async def _callback(self, request: Request, delivery: str) -> Callback:
        query = request.scope["query_string"].decode("latin-1")
        url = self._parts.public_url + request.scope["path"] + (f"?{query}" if query else "")
        return Callback(
            method=request.method,
            url=url,
            query=dict(request.query_params),
            headers=request.headers,
            body=await read_body(request),
            delivery=delivery,
        )


def _read(read: Callable[[Callback], list[T]], callback: Callback) -> list[T]:
    try:
        return read(callback)
    except Forged as error:
        raise Problem(403, "forged", "This call is not signed by the gateway.") from error
    except Nonsense as error:
        raise Problem(400, "nonsense", f"This call cannot be read: {error}.") from error


async def _handed_on(hand_on: Callable[[], Awaitable[None]]) -> Response:
    """An empty answer, once all is handed on: Kannel would send any other to the citizen."""
    try:
        async with asyncio.timeout(HANDED_ON_S):
            await hand_on()
    except TimeoutError as error:
        raise Problem(503, "unavailable", "This cannot be taken now; send it again.") from error
    return Response(b"", 200, {"Cache-Control": "no-store"}, "text/plain")
