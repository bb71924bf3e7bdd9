"""Push subscriptions: what a citizen's browser hands over, and whether it may be sent to.

Whoever has a link can hand over any address: the server would send requests wherever it is told. So an
address must be one of a known push service; what its name resolves to is looked at by ``notify.targets``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

ENDPOINT_CHARACTERS = 2000
AUTH_BYTES = 16

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
