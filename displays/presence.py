"""Who of the screens and panels was heard, as a plain value: what ``server.presence`` knows at a moment.

Instants are house time, in microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Place(StrEnum):
    """What hangs or stands somewhere: a configured hall screen, other hall viewers, a counter's panel."""

    SCREEN = "screen"
    UNNAMED = "unnamed"
    PANEL = "panel"


Key = tuple[Place, str]
"""A place and which: a screen's id, a counter, or nothing for the unnamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one screen or panel told. ``since`` is when it came, or fell silent; None before it spoke.

    ``connections`` are open now, whether or not anything is heard on them. ``call`` and ``ticket`` are
    of the last call it sounded. ``p50_ms`` and ``p99_ms`` are its glass latency: from a command accepted
    until its view was painted.
    """

    online: bool
    connections: int
    since: int | None = None
    heard_at: int | None = None
    painted: int | None = None
    painted_at: int | None = None
    call: str | None = None
    ticket: str | None = None
    sounded_at: int | None = None
    sound: str | None = None
    sound_since: int | None = None
    p50_ms: int | None = None
    p99_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """All that was heard at a site since ``began``.

    ``settled`` says that this is long enough for whoever was not heard at all to count as silent.
    """

    began: int = 0
    settled: bool = False
    heard: Mapping[Key, Heard] = field(default_factory=dict)


NOBODY = Attendance()
"""Where nobody listens: a view that is made apart from a server."""
