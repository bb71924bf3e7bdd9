"""Channels: each carries a message to one address. A file of its own, one ``async send``, two ways to fail.

A channel that fails in any other way than by :class:`TryLater` or :class:`Undeliverable` has a bug; the
worker logs it and tries again later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel is given to carry.

    ``delivery`` is the same for every attempt: who takes an idempotency key gets it. ``to`` is a number
    as E.164, a mail address, or a push subscription as JSON. ``receipt_url`` is where a gateway may say
    what became of it. ``ttl_s`` is how many seconds it is of use. ``calendar`` is an iCalendar file.
    """

    delivery: str
    attempt: int
    to: str
    text: str
    subject: str = ""
    html: str = ""
    link: str = ""
    language: str = "nl"
    calendar: bytes | None = None
    receipt_url: str = ""
    ttl_s: int = 3600


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway has it: ``ref`` is its own name for it, ``code`` its answer as it came."""

    ref: str = ""
    code: str = ""


class TryLater(Exception):
    """Not now: the gateway is busy, down or unclear. ``code`` is what it said, ``after_s`` its own wish."""

    def __init__(self, code: str, after_s: float = 0.0) -> None:
        super().__init__(code)
        self.code = code
        self.after_s = after_s


class Undeliverable(Exception):
    """Never through this channel: ``code`` is why. ``gone``: the address itself is no more, forget it."""

    def __init__(self, code: str, *, gone: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.gone = gone


class Channel(Protocol):
    """What carries messages of one channel."""

    async def send(self, message: Message) -> Accepted:
        """Hand a message over; returns once the gateway has it.

        Raises :class:`TryLater` or :class:`Undeliverable`. The worker sets the timeout and cancels.
        """
        ...


class Reached(StrEnum):
    """What a receipt says, in the order of what it proves."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    SHOWN = "shown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A gateway's word on a delivery; ``code`` as it came. May be late, doubled, out of order."""

    delivery: str
    reached: Reached
    code: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that a citizen sent: ``sender`` as E.164."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A gateway's request to us, before anybody believes it.

    ``url`` is the whole address as the gateway was told it, for those who sign it; ``delivery`` is the
    one that the path names and vouches for with a MAC, or "" at an address for all.
    """

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    delivery: str = ""


class Forged(Exception):
    """A callback whose signature is missing or wrong."""


class Nonsense(Exception):
    """A callback that cannot be read; the message says what is wrong with it."""


class Gateway(Channel, Protocol):
    """A channel whose gateway calls back."""

    def receipts(self, callback: Callback) -> list[Receipt]:
        """What a callback says of deliveries. Raises :class:`Forged` or :class:`Nonsense`."""
        ...

    def incoming(self, callback: Callback) -> list[Incoming]:
        """What a callback brings from citizens. Raises :class:`Forged` or :class:`Nonsense`."""
        ...
