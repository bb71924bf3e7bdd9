"""The wire's envelope: what every frame looks like, whatever it shows. ``PROTOCOL.md`` specifies it."""

from __future__ import annotations

from enum import IntEnum
from typing import Generic, Literal, TypeVar

import msgspec

from server.domain.schedule import iso

VERSION = 1
"""The wire's version, in every frame as ``v``."""

HEARTBEAT_S = 5.0
"""Screens and panels never go longer than this without a frame, in real seconds."""

PHONE_HEARTBEAT_S = 20.0
"""The same for ticket pages."""

STALE_S = 15
"""A screen that has heard nothing for this long shows the age of its picture."""

LOST_S = 60
"""After this long it asks people to listen to staff."""

RECEIPT_BYTES = 4096
"""The longest message a client may send."""

RECEIPT_PIECES = 64
"""The most pieces in which it may come."""


class Close(IntEnum):
    """The codes with which the server closes a connection on purpose."""

    NO_WEBSOCKET = 1002
    NOT_TEXT = 1003
    NOT_UTF8 = 1007
    BAD_MESSAGE = 1008
    TOO_LONG = 1009
    INTERNAL = 1011
    GOING_AWAY = 1012
    TRY_LATER = 1013
    NOT_SIGNED_IN = 4401
    NOT_ALLOWED = 4403
    UNKNOWN = 4404


_encoder = msgspec.json.Encoder()


class Frame(msgspec.Struct):
    """A frame with a view, keys in the order of the wire."""

    v: int
    topic: str
    seq: int
    at: str
    view: msgspec.Raw


View = TypeVar("View")


class FrameOf(msgspec.Struct, Generic[View]):
    """A frame as who receives it reads it; the same fields as :class:`Frame`."""

    v: int
    topic: str
    seq: int
    at: str
    view: View


class Heartbeat(msgspec.Struct):
    """A frame without a view: all is still as the newest view says."""

    v: int
    topic: str
    seq: int
    at: str


class Receipt(msgspec.Struct, forbid_unknown_fields=True):
    """All that a client may send: the seq it painted, the ids of the calls it sounded, its sound's state."""

    painted: int | None = None
    sounded: list[str] = []
    sound: Literal["on", "off", "refused"] | None = None


def view_bytes(view: msgspec.Struct) -> bytes:
    """The view alone, compact; equal bytes mean that nothing changed for its audience."""
    return _encoder.encode(view)


def frame(topic: str, seq: int, at: int, view: bytes) -> bytes:
    """A whole frame around an encoded view."""
    return _encoder.encode(Frame(VERSION, topic, seq, iso(at), msgspec.Raw(view)))


def heartbeat(topic: str, seq: int, at: int) -> bytes:
    """A frame that only says that the server is there."""
    return _encoder.encode(Heartbeat(VERSION, topic, seq, iso(at)))
