"""The hub: topic -> newest bytes -> viewers. It knows no domain and reads no database.

A frame is encoded once, as the bytes that go on the wire, and the same bytes are written to every
viewer's transport. A viewer has no task and no queue here. One whose transport still holds bytes is
*blocked*: it is passed over, and gets the newest frame when it drains, so a slow viewer costs the
others nothing and skips what it missed. Writing goes in slices of a few milliseconds, urgent topics
(screens, panels) before the rest (phones).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from websockets.frames import Frame, Opcode

log = logging.getLogger("onthaal.hub")

SLICE_S = 0.003
"""How long the hub writes before other work of the loop gets its turn, in real seconds."""

BLOCKED_S = 30.0
"""A viewer that does not take all it was given within this time is cut off, in real seconds."""

FULL_AT = 15_000
"""Viewers at most; one more is told to come back later."""


class Wire(Protocol):
    """What the hub needs of a connection; ``server.wire`` has the real one."""

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport at once; never waits."""

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye with a close code; never waits."""

    def abort(self) -> None:
        """Cut the connection off."""


class Viewer:
    """One connection that watches one topic. ``sent`` is the frame it was given last."""

    __slots__ = (
        "blocked_since",
        "closed",
        "painted",
        "painted_at",
        "queued",
        "sent",
        "topic",
        "wire",
    )

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.topic: Topic | None = None
        self.sent: bytes | None = None
        self.blocked_since: float | None = None
        self.queued = False
        self.closed = False
        self.painted = 0
        self.painted_at = 0.0


class Topic:
    """A name under which frames are published. ``newest`` is the newest frame with a view."""

    __slots__ = (
        "beat",
        "lined_up",
        "name",
        "newest",
        "pending",
        "position",
        "urgent",
        "viewers",
        "written_at",
    )

    def __init__(self, name: str, *, urgent: bool) -> None:
        self.name = name
        self.urgent = urgent
        self.newest: bytes | None = None
        self.beat: bytes | None = None
        self.viewers: set[Viewer] = set()
        self.lined_up = False
        self.pending: list[Viewer] = []
        self.position = 0
        self.written_at = 0.0


def wire_frame(text: bytes) -> bytes:
    """An unmasked RFC 6455 text frame around ``text``."""
    return _header(len(text)) + text


@lru_cache(maxsize=4096)
def _header(length: int) -> bytes:
    """What stands before a text of this length: the same for all of them, as the server masks nothing."""
    whole = Frame(Opcode.TEXT, bytes(length)).serialize(mask=False)
    return whole[: len(whole) - length]


class Hub:
    """All topics that somebody watches."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.topics: dict[str, Topic] = {}
        self.blocked: set[Viewer] = set()
        self.viewers = 0
        self._clock = clock
        self._urgent: deque[Topic] = deque()
        self._others: deque[Topic] = deque()
        self._wake = asyncio.Event()

    def watched(self, name: str) -> Topic | None:
        """The topic, if anybody watches it."""
        return self.topics.get(name)

    def attach(self, viewer: Viewer, name: str, frame: bytes, *, urgent: bool) -> None:
        """Subscribe and give the first frame, with nothing in between that could be missed.

        ``frame`` shows what the topic's newest one shows, but was made now: who comes to a picture
        that has long stood still learns what time it is.
        """
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name, urgent=urgent)
            topic.written_at = self._clock()
        if topic.newest is None:
            topic.newest = frame
        viewer.topic = topic
        viewer.sent = topic.newest
        topic.viewers.add(viewer)
        self.viewers += 1
        self._write(viewer, frame)

    def detach(self, viewer: Viewer) -> None:
        """Forget a viewer; a topic that nobody watches goes with it."""
        topic = viewer.topic
        if viewer.closed or topic is None:
            return
        viewer.closed = True
        self.viewers -= 1
        self.blocked.discard(viewer)
        topic.viewers.discard(viewer)
        if not topic.viewers:
            del self.topics[topic.name]

    def dismiss(self, viewer: Viewer, code: int) -> None:
        """Say goodbye to a viewer and forget it."""
        if not viewer.closed:
            self.detach(viewer)
            viewer.wire.close(code)

    def publish(self, topic: Topic, frame: bytes) -> None:
        """Make ``frame`` the topic's newest and write it: to viewers of urgent topics now, for a slice."""
        topic.newest, topic.beat = frame, None
        self._line_up(topic)
        if topic.urgent:  # phones are left to `run`: the next screen's frame may be about to be published
            self._pump(self._clock() + SLICE_S, self._urgent)

    def beat(self, topic: Topic, frame: bytes) -> None:
        """Write a frame without a view, to those who have nothing better to come."""
        topic.beat = frame
        self._line_up(topic)

    def _line_up(self, topic: Topic) -> None:
        """Queue the topic's viewers for writing; who was not reached the last time comes first."""
        topic.written_at = self._clock()
        rest = topic.pending[topic.position :]
        for viewer in topic.viewers:
            if not viewer.queued:
                viewer.queued = True
                rest.append(viewer)
        topic.pending, topic.position = rest, 0
        if not topic.lined_up:
            topic.lined_up = True
            (self._urgent if topic.urgent else self._others).append(topic)
        self._wake.set()

    def block(self, viewer: Viewer) -> None:
        """The viewer's transport holds bytes that the network does not take."""
        if viewer.blocked_since is None and not viewer.closed:
            viewer.blocked_since = self._clock()
            self.blocked.add(viewer)

    def drained(self, viewer: Viewer) -> None:
        """The viewer's transport is empty again: only the newest frame is for it."""
        viewer.blocked_since = None
        self.blocked.discard(viewer)
        topic = viewer.topic
        if topic is None or viewer.closed or topic.newest is None:
            return
        if viewer.sent is not topic.newest:
            self._write(viewer, topic.newest)

    def cut_off(self) -> int:
        """Abort the viewers that have been blocked for too long; how many they were."""
        limit = self._clock() - BLOCKED_S
        late = [v for v in self.blocked if v.blocked_since is not None and v.blocked_since < limit]
        for viewer in late:
            viewer.wire.abort()
            self.detach(viewer)
        return len(late)

    async def run(self) -> None:
        """Write what could not be written at once; one task, until cancelled."""
        while True:
            if self._pump(self._clock() + SLICE_S, self._urgent, self._others):
                await asyncio.sleep(0)
            else:
                self._wake.clear()
                await self._wake.wait()

    def _pump(self, deadline: float, *groups: deque[Topic]) -> bool:
        """Write until the deadline, one group of topics after the other; whether anything is left."""
        for topics in groups:
            while topics:
                topic = topics[0]
                while topic.position < len(topic.pending):
                    viewer = topic.pending[topic.position]
                    topic.position += 1
                    viewer.queued = False
                    frame = topic.beat if viewer.sent is topic.newest else topic.newest
                    if frame is not None and not viewer.closed:
                        self._write(viewer, frame)
                    if self._clock() >= deadline:
                        return True
                topic.pending, topic.position, topic.beat = [], 0, None
                topic.lined_up = False
                topics.popleft()
        return False

    def _write(self, viewer: Viewer, frame: bytes) -> None:
        topic = viewer.topic
        if viewer.blocked_since is not None or topic is None:
            return
        if frame is topic.newest:
            viewer.sent = frame
        try:
            viewer.wire.write(frame)
        except Exception:  # one broken connection must not stop the others
            log.exception("a viewer cannot be written to")
            viewer.wire.abort()
