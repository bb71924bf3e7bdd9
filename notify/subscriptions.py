"""Push subscriptions: what a citizen's browser hands over, and whether it may be sent to.

Whoever has a link can hand over any address: the server would send requests wherever it is told. So an
address must be one of a known push service, and neither that nor what the name resolves to may lie inside.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
import socket
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

ENDPOINT_CHARACTERS = 2000
AUTH_BYTES = 16
RESOLVE_S = 3.0
"""How long a name may take to resolve, in seconds."""

# Nothing that one reader of addresses takes for something else than another: no user, no port, no backslash.
_ENDPOINT = re.compile(r"https://([a-z0-9.-]+)(?::443)?/[\x21-\x5b\x5d-\x7e]*")


class SubscriptionKeys(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a message is encrypted with, as base64url (RFC 8291)."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where and how one browser is reached."""

    endpoint: str
    keys: SubscriptionKeys


class BadSubscription(Exception):
    """A subscription that is not sent to: ``field`` is what is wrong, the message why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}" if field else why)
        self.field = field


class Inside(Exception):
    """A name that resolves to an address which is not of the public internet."""


_decoder = msgspec.json.Decoder(Subscription)
_encoder = msgspec.json.Encoder()


def read(raw: str | bytes, hosts: Sequence[str]) -> Subscription:
    """A subscription out of its JSON, of one of the ``hosts``. Raises :class:`BadSubscription`.

    A host is a name, or ``*.`` and a name for all below it.
    """
    try:
        found = _decoder.decode(raw)
    except msgspec.ValidationError as error:
        said, _, field = str(error).partition(" - at `$.")
        raise BadSubscription(field.rstrip("`"), said) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadSubscription("", "not JSON") from None
    name = host(found)
    if not any(name == each or (each.startswith("*.") and name.endswith(each[1:])) for each in hosts):
        raise BadSubscription("endpoint", "not the address of a known push service")
    _check_keys(found.keys)
    return found


def stored(subscription: Subscription) -> str:
    """The JSON under which a subscription is kept."""
    return _encoder.encode(subscription).decode()


def host(subscription: Subscription) -> str:
    """The push service of a subscription. Raises :class:`BadSubscription`."""
    endpoint = subscription.endpoint
    match = _ENDPOINT.fullmatch(endpoint) if len(endpoint) <= ENDPOINT_CHARACTERS else None
    if match is None:
        raise BadSubscription("endpoint", "not an https address of a push service")
    return match[1]


def _check_keys(keys: SubscriptionKeys) -> None:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(keys.p256dh))
    except ValueError:
        raise BadSubscription("keys.p256dh", "not a public key of the curve P-256") from None
    try:
        short = len(_bytes(keys.auth)) != AUTH_BYTES
    except ValueError:
        short = True
    if short:
        raise BadSubscription("keys.auth", f"not {AUTH_BYTES} bytes as base64url")


def _bytes(text: str) -> bytes:
    text = text.rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


async def outside(name: str, port: int) -> list[str]:
    """The addresses of a host, all of them of the public internet.

    Raises :class:`Inside` where one is not, ``OSError`` or ``TimeoutError`` where there is no answer.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_S):
        found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for _family, _type, _protocol, _canonical, address in found]
    for each in addresses:
        if not is_public(each):
            raise Inside(f"{name} resolves to an address that is not public")
    return addresses


def is_public(text: str) -> bool:
    """Whether an address is of the public internet, in whatever of IPv6's clothes."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        address = inner or address
    return address.is_global and not address.is_multicast
