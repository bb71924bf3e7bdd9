"""Views to topics: which view a topic shows, when it is made again, and how it reaches the hub."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from displays import board, counter, management, protocol, reception, ticket
from displays.day import DayModel
from server.clock import HouseClock
from server.domain.alerts import Failing
from server.domain.foreseen import Foreseen
from server.hub import SLICE_S, Hub, Topic, wire_frame
from server.live import Live, Site
from server.presence import Presence

log = logging.getLogger("onthaal.publisher")

TICK_S = 1.0
"""How often views are looked at again because time has passed, in real seconds."""

CHANGES_KEPT = 64
"""How many changes of a topic a receipt may be behind and still tell its latency."""


@dataclass(frozen=True)
class Address:
    """A topic's place: its site, its audience, and which counter or visit, where there are many."""

    site: str
    audience: str
    which: str = ""

    @cached_property
    def name(self) -> str:
        """The topic's name, as frames carry it."""
        return "/".join(part for part in (self.site, self.audience, self.which) if part)

    @cached_property
    def urgent(self) -> bool:
        """Whether it is for a screen or panel rather than a phone."""
        return self.audience != "visits"


@dataclass(eq=False, slots=True)
class Shown:
    """What the viewers of a topic were told last: the view, and the seq up to which it is known to hold.

    ``due`` says that its view may have changed, ``silent`` that it may need a heartbeat, ``broken`` that
    its newest view could not be made. One that is neither due nor broken shows the view of the newest model.
    ``changes`` are the newest seqs whose frame brought a view; other seqs came with heartbeats.
    """

    address: Address
    view: bytes = b""
    seq: int = 0
    due: bool = False
    silent: bool = False
    broken: bool = False
    changes: deque[int] = field(default_factory=lambda: deque(maxlen=CHANGES_KEPT))


class Publisher:
    """Keeps every watched topic on the newest view.

    All frames of a site are made from the one model of it that is newest, so that within a topic
    (seq, at) never steps back, and no heartbeat is newer than a view that comes after it.
    """

    def __init__(self, live: Live, hub: Hub, clock: HouseClock, presence: Presence) -> None:
        self.presence = presence
        self.failing: Callable[[str], Sequence[Failing]] = lambda _site: ()
        """Which channels carry no messages at a site; set by who watches the ledger."""
        self.foreseen: Callable[[str], Foreseen | None] = lambda _site: None
        """What the learned forecast of a site said last; set by who asks it."""
        self._live = live
        self._hub = hub
        self._clock = clock
        self._models: dict[str, DayModel] = {}
        self._modelled: dict[str, float] = {}
        self._watched: dict[str, dict[str, Shown]] = {}
        # By urgency, who is due or silent; one that no longer is may still stand in line, and is passed over.
        self._due: dict[bool, deque[Shown]] = {True: deque(), False: deque()}
        self._silent: dict[bool, deque[Shown]] = {True: deque(), False: deque()}
        self._wake = asyncio.Event()

    def model(self, site: Site) -> DayModel:
        """The site's read model at now, in whole milliseconds: one ``at`` on the wire is one moment."""
        now = self._clock.now()
        now = max(now - now % 1000, site.day.at)
        attendance = self.presence.attendance(site.house.site, site.day.date)
        failing = self.failing(site.house.site)
        foreseen = self.foreseen(site.house.site)
        return DayModel(site.house, site.day, now, self._clock.speed, attendance, failing, foreseen)

    def view(self, model: DayModel, address: Address) -> msgspec.Struct:
        """The view of a topic. Raises ``KeyError`` where there is no such counter or visit."""
        match address.audience:
            case "visits":
                return ticket.page(model, model.day.visits[address.which])
            case "hall":
                return board.hall(model)
            case "counters":
                return counter.panel(model, address.which)
            case "reception":
                return reception.desk(model)
            case "management":
                return management.overview(model)
        raise KeyError(address.audience)

    def frame(self, address: Address) -> bytes:
        """A whole frame of a topic as it is now, for who polls. Raises ``KeyError`` like :meth:`view`."""
        model = self.model(self._live.sites[address.site])
        view = protocol.view_bytes(self.view(model, address))
        return protocol.frame(address.name, model.day.seq, model.now, view)

    def first(self, address: Address) -> bytes:
        """The wire frame that a new viewer of a topic begins with; from now on the topic is watched.

        Raises ``KeyError`` like :meth:`view`.
        """
        name = address.name
        model = self._recent(self._live.sites[address.site])
        view = protocol.view_bytes(self.view(model, address))
        frame = wire_frame(protocol.frame(name, model.day.seq, model.now, view))
        topic = self._hub.watched(name)
        shown = self._watched.setdefault(address.site, {}).setdefault(name, Shown(address))
        if topic is None or shown.view != view:
            shown.view, shown.seq = view, model.day.seq
            shown.changes.append(model.day.seq)
            if topic is not None:
                self._hub.publish(topic, frame)
        return frame

    def brought(self, address: Address, seq: int) -> bool:
        """Whether the topic's frame of this seq brought a view, rather than word that the old one holds."""
        shown = self._watched.get(address.site, {}).get(address.name)
        return shown is not None and seq in shown.changes

    def changed(self, site: Site) -> None:
        """A site's day has changed: show it, the screens and panels now, phones right after."""
        watched = self._watched.get(site.house.site)
        if not watched:
            return
        self._renew(site)
        deadline = time.monotonic() + SLICE_S
        while self._due[True] and time.monotonic() < deadline:
            self._show(self._due[True].popleft())

    async def run(self) -> None:
        """Make the views that are due, in slices; heartbeats; one task, until cancelled."""
        next_tick = time.monotonic() + TICK_S
        while True:
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK_S
                self._tick()
            if self._work(time.monotonic() + SLICE_S):
                await asyncio.sleep(0)
                continue
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_tick - time.monotonic())):
                    await self._wake.wait()

    def _recent(self, site: Site) -> DayModel:
        """A model of the committed day that is no older than a tick: many viewers may come at once."""
        model = self._models.get(site.house.site)
        if model is None or model.day is not site.day or self._age(site) > TICK_S:
            return self._renew(site)
        return model

    def _renew(self, site: Site) -> DayModel:
        """Make the site's newest model; what it may show otherwise than the one before is due."""
        name = site.house.site
        before, model = self._models.get(name), self.model(site)
        if before is not None and (before.day.seq, before.now) == (model.day.seq, model.now):
            # One (seq, at) on the wire shows one thing.
            model.attendance, model.failing = before.attendance, before.failing
            model.foreseen = before.foreseen
        self._models[name] = model
        self._modelled[name] = time.monotonic()
        watched = self._watched.get(name)
        if before is not None and watched:
            self._make_due(watched, _changed_visits(before, model))
        return model

    def _age(self, site: Site) -> float:
        return time.monotonic() - self._modelled[site.house.site]

    def _make_due(self, watched: dict[str, Shown], visits: Container[str]) -> None:
        """All screens and panels are due, and of the phones those of these visits."""
        for shown in watched.values():
            urgent = shown.address.urgent
            if not shown.due and (urgent or shown.broken or shown.address.which in visits):
                shown.due = True
                self._due[urgent].append(shown)
        self._wake.set()

    def _work(self, deadline: float) -> bool:
        """Do what is due until the deadline; whether anything is left.

        A heartbeat costs next to nothing and may not wait for views that never cease to change.
        """
        while True:
            for urgent in (True, False):
                if self._silent[urgent]:
                    self._beat(self._silent[urgent].popleft())
                    break
                if self._due[urgent]:
                    self._show(self._due[urgent].popleft())
                    break
            else:
                return False
            if time.monotonic() >= deadline:
                return True

    def _tick(self) -> None:
        """Time has passed: views may have changed with it, and silent topics are due for a heartbeat."""
        self._hub.cut_off()
        for name, watched in self._watched.items():
            self._renew(self._live.sites[name])
            for shown in list(watched.values()):
                topic = self._hub.watched(shown.address.name)
                if topic is None:
                    self._forget(shown)
                elif not shown.silent and self._is_silent(shown, topic):
                    shown.silent = True
                    self._silent[shown.address.urgent].append(shown)

    def _is_silent(self, shown: Shown, topic: Topic) -> bool:
        """Whether a heartbeat is wanted by the next tick.

        A screen or panel also hears within a tick that its picture holds up to a newer seq: who
        pressed a button that changed nothing waits for that.
        """
        if shown.address.urgent and shown.seq < self._models[shown.address.site].day.seq:
            return True
        silence = protocol.HEARTBEAT_S if shown.address.urgent else protocol.PHONE_HEARTBEAT_S
        return time.monotonic() - topic.written_at >= silence - 1.5 * TICK_S

    def _beat(self, shown: Shown) -> None:
        """Send a heartbeat if the topic's view, which comes first, has not broken the silence."""
        silent, shown.silent = shown.silent, False
        if not silent or ((shown.due or shown.broken) and not self._show(shown)):
            return
        name = shown.address.name
        topic = self._hub.watched(name)
        if topic is not None and self._is_silent(shown, topic):
            model = self._models[shown.address.site]
            shown.seq = model.day.seq
            self._hub.beat(topic, wire_frame(protocol.heartbeat(name, model.day.seq, model.now)))

    def _show(self, shown: Shown) -> bool:
        """Publish a topic's view, if it is due and differs from what is shown; False where there is none."""
        if not shown.due and not shown.broken:
            return True
        shown.due = shown.broken = False
        name = shown.address.name
        topic = self._hub.watched(name)
        if topic is None:
            self._forget(shown)
            return False
        model = self._models[shown.address.site]
        try:
            view = protocol.view_bytes(self.view(model, shown.address))
        except KeyError:  # a visit of a day that is over: what a newcomer would hear
            for viewer in list(topic.viewers):
                self._hub.dismiss(viewer, protocol.Close.UNKNOWN)
            return False
        except Exception:  # one broken view must not stop the others
            log.exception("no view for an audience: %s", shown.address.audience)
            shown.broken = True
            return False
        if shown.view != view:
            shown.view, shown.seq = view, model.day.seq
            shown.changes.append(model.day.seq)
            self._hub.publish(topic, wire_frame(protocol.frame(name, model.day.seq, model.now, view)))
        return True

    def _forget(self, shown: Shown) -> None:
        shown.due = shown.silent = shown.broken = False
        self._watched[shown.address.site].pop(shown.address.name, None)


def _changed_visits(before: DayModel, model: DayModel) -> Container[str]:
    """The visits whose page may differ between two models."""
    try:
        return ticket.changed(before, model)
    except Exception:  # what cannot be told for phones must not stop the screens
        log.exception("no telling which phones change")
        return {*before.day.visits, *model.day.visits}
