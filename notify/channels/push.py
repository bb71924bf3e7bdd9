"""Web Push: a message to one browser, encrypted for it alone (RFC 8030, 8291, 8292).

``Message.to`` is the subscription as :func:`notify.subscriptions.stored` writes it. What the push service
takes is accepted, no more: a person is reached once the page's worker says that it has shown the message.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email.utils
import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

import httpcore
import msgspec
from py_vapid import Vapid02
from pywebpush import WebPusher

from notify.channels import (
    Accepted,
    Callback,
    Incoming,
    Message,
    Nonsense,
    Reached,
    Receipt,
    TryLater,
    Undeliverable,
)
from notify.subscriptions import BadSubscription, Subscription, read
from notify.targets import BadTarget, resolved
from server.channel_tables import PushTable
from server.vapid import Vapid

PAYLOAD_BYTES = 3993
"""What fits into the one record of 4096 bytes that every push service takes (RFC 8291, 4)."""
PRESSING_S = 1800
"""A message that is of use for no longer than this wakes a telephone that saves its battery."""
TTL_MOST_S = 28 * 86_400
TOKEN_S = 12 * 3600
"""How long a proof of who we are is good; a push service refuses more than a day."""
AUDIENCES = 100
"""Push services whose proof is kept for the next message."""
ANSWER_BYTES = 16_384
WAIT_MOST_S = 86_400.0

Headers = dict[bytes | str, bytes | str]
Resolve = Callable[[str, int], Awaitable[list[str]]]


class Payload(msgspec.Struct):
    """What the worker in the browser gets. It posts to ``receipt`` once it has shown the message."""

    title: str
    body: str
    link: str
    delivery: str
    receipt: str
    language: str


def channel(table: PushTable, vapid: Vapid) -> Push:
    """What carries messages to browsers."""
    return Push(table, vapid)


class Push:
    """Sends to push services, over connections that are kept open.

    ``resolve`` gives the addresses of a host that may be connected to, ``port`` and ``trusted`` go in
    place of 443 and of the machine's certificates: for tests, which have no push service but their own.
    """

    def __init__(
        self,
        table: PushTable,
        vapid: Vapid,
        *,
        resolve: Resolve = resolved,
        port: int | None = None,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self._table = table
        self._signer = Vapid02(vapid.private, {"no-strict": True})  # type: ignore[no-untyped-call]
        self._proofs: dict[str, tuple[float, str]] = {}
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted or ssl.create_default_context(),
            max_connections=table.at_once,
            keepalive_expiry=60.0,
            network_backend=_Checked(resolve, port),
        )

    async def send(self, message: Message) -> Accepted:
        """Hand a message to the push service of its subscription; see :class:`notify.channels.Channel`."""
        try:
            subscription = read(message.to, self._table.hosts)
        except BadSubscription as error:
            raise Undeliverable(f"bad-subscription: {error}", gone=True) from None
        body = self._encrypted(subscription, message)
        headers = self._headers(subscription, message)
        try:
            async with asyncio.timeout(self._table.timeout_s):
                status, answer = await self._post(subscription.endpoint, headers, body)
        except TimeoutError:
            raise TryLater("timeout") from None
        except BadTarget as error:
            if error.code == "unknown-name":
                raise TryLater(f"{error.code}: {error}") from None
            raise Undeliverable(f"{error.code}: {error}") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise TryLater(f"no-connection: {type(error).__name__}") from None
        if 200 <= status < 300:
            return Accepted(answer.get("location", ""), str(status))
        if status in (404, 410):
            raise Undeliverable(str(status), gone=True)
        if status in (408, 425, 429) or status >= 500:
            raise TryLater(str(status), _wait(answer.get("retry-after", "")))
        # Refused for what it is: too long (413), or subscribed with another key pair (401, 403). A
        # redirect is followed nowhere: it would lead past what was checked.
        raise Undeliverable(str(status))

    def receipts(self, callback: Callback) -> list[Receipt]:
        """See ``Gateway.receipts``: the telephone itself says, once, that it has shown a message."""
        if callback.method != "POST" or not callback.delivery:
            raise Nonsense("a telephone tells with a POST what became of one delivery")
        return [Receipt(callback.delivery, Reached.SHOWN, "shown")]

    def incoming(self, _callback: Callback) -> list[Incoming]:
        """See ``Gateway.incoming``: nobody answers through a push."""
        raise Nonsense("push brings no messages")

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _post(self, endpoint: str, headers: Headers, body: bytes) -> tuple[int, dict[str, str]]:
        async with self._pool.stream("POST", endpoint, headers=headers, content=body) as answer:
            size = 0
            # Read to its end the connection serves the next message; an answer without end is cut.
            async for chunk in answer.aiter_stream():
                size += len(chunk)
                if size > ANSWER_BYTES:
                    break
            found = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers
            }
            return answer.status, found

    def _encrypted(self, subscription: Subscription, message: Message) -> bytes:
        payload = msgspec.json.encode(
            Payload(
                message.subject,
                message.text,
                message.link,
                message.delivery,
                message.receipt_url,
                message.language,
            )
        )
        if len(payload) > PAYLOAD_BYTES:
            raise Undeliverable(f"too-long: {len(payload)} bytes, at most {PAYLOAD_BYTES}")
        # 0.2 ms, measured: not worth a thread.
        encoded = WebPusher(msgspec.to_builtins(subscription)).encode(payload)
        return bytes(encoded["body"])

    def _headers(self, subscription: Subscription, message: Message) -> Headers:
        topic = base64.urlsafe_b64encode(hashlib.sha256(message.delivery.encode()).digest())
        return {
            "Host": urlsplit(subscription.endpoint).netloc,
            "Authorization": self._proof(subscription.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, min(message.ttl_s, TTL_MOST_S))),
            "Urgency": "high" if message.ttl_s <= PRESSING_S else "normal",
            # A second attempt that waits at the push service takes the place of the first.
            "Topic": topic[:32].decode(),
        }

    def _proof(self, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        audience, now = f"{parts.scheme}://{parts.hostname}", time.time()
        until, proof = self._proofs.get(audience, (0.0, ""))
        if until - now < TOKEN_S / 2:
            until = now + TOKEN_S
            claims = {"aud": audience, "exp": int(until), "sub": self._table.contact}
            proof = self._signer.sign(claims)["Authorization"]  # type: ignore[no-untyped-call]
            if len(self._proofs) >= AUDIENCES:
                self._proofs.clear()
            self._proofs[audience] = (until, proof)
        return proof


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to the very address that was checked: a name that resolves anew leads nowhere else."""

    def __init__(self, resolve: Resolve, port: int | None) -> None:
        self._tcp = httpcore.AnyIOBackend()
        self._resolve = resolve
        self._port = port

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore names it)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        problem: Exception = OSError("no address")
        for address in await self._resolve(host, port):
            try:
                return await self._tcp.connect_tcp(
                    address, self._port or port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def sleep(self, seconds: float) -> None:
        await self._tcp.sleep(seconds)


def _wait(retry_after: str) -> float:
    """``Retry-After``, seconds or a date, as seconds from now; 0 where it says nothing."""
    wanted = 0.0
    if retry_after.isascii() and retry_after.isdecimal():
        wanted = float(retry_after[:9])
    else:
        with contextlib.suppress(ValueError, OverflowError):
            wanted = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
    return max(0.0, min(wanted, WAIT_MOST_S))
