"""The hub alone: real hub, real loop, its wires and its clock made of air."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from server.hub import BLOCKED_S, SLICE_S, Hub, Viewer


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Wire:
    """A connection that takes everything until it is ``full``; each write takes ``cost_s`` of time."""

    def __init__(self, hub: Hub, clock: Clock, cost_s: float = 0.0) -> None:
        self.hub, self.clock, self.cost_s = hub, clock, cost_s
        self.viewer = Viewer(self)
        self.got: list[bytes] = []
        self.full = False
        self.ended: list[int | str] = []
        self.order: list[Wire] = []

    def write(self, data: bytes) -> None:
        assert self.viewer.blocked_since is None, "written to while its transport holds bytes"
        self.got.append(data)
        self.order.append(self)
        self.clock.now += self.cost_s
        if self.full:
            self.hub.block(self.viewer)

    def close(self, code: int, reason: str = "") -> None:
        self.ended.append(code)

    def abort(self) -> None:
        self.ended.append("aborted")

    def drain(self) -> None:
        self.full = False
        if self.viewer.blocked_since is not None:
            self.hub.drained(self.viewer)


class Bench:
    """A hub, its clock, and a way to attach wires."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.hub = Hub(self.clock)
        self.order: list[Wire] = []

    def attach(self, topic: str, frame: bytes = b"0", *, urgent: bool = True, cost_s: float = 0.0) -> Wire:
        wire = Wire(self.hub, self.clock, cost_s)
        wire.order = self.order
        self.hub.attach(wire.viewer, topic, frame, urgent=urgent)
        return wire

    def publish(self, topic: str, frame: bytes) -> None:
        known = self.hub.watched(topic)
        assert known is not None
        self.hub.publish(known, frame)

    def beat(self, topic: str, frame: bytes) -> None:
        known = self.hub.watched(topic)
        assert known is not None
        self.hub.beat(known, frame)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the hub's own task work until the condition holds."""
        task = asyncio.create_task(self.hub.run())
        try:
            async with asyncio.timeout(5):
                while not condition():  # noqa: ASYNC110 - one turn of the loop is the unit here
                    await asyncio.sleep(0)
        finally:
            task.cancel()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_new_viewer_gets_its_first_frame_at_once_and_then_what_the_others_get(bench: Bench) -> None:
    first = bench.attach("hall", b"1")
    bench.publish("hall", b"2")
    second = bench.attach("hall", b"2, an hour later")
    assert (first.got, second.got) == ([b"1", b"2"], [b"2, an hour later"])
    bench.publish("hall", b"3")
    assert (first.got, second.got) == ([b"1", b"2", b"3"], [b"2, an hour later", b"3"])


async def test_everybody_is_given_the_same_bytes_and_nobody_has_a_task(bench: Bench) -> None:
    before = asyncio.all_tasks()
    wires = [bench.attach("hall") for _ in range(50)]
    frame = bytes(bytearray(b"a frame that is nowhere else"))
    bench.publish("hall", frame)
    assert all(wire.got[-1] is frame for wire in wires)
    assert asyncio.all_tasks() == before


def test_a_slow_viewer_gets_only_the_newest_and_costs_the_others_nothing(bench: Bench) -> None:
    quick, slow = bench.attach("hall"), bench.attach("hall")
    slow.full = True
    for number in range(1, 100):
        bench.publish("hall", b"%d" % number)
    assert slow.got == [b"0", b"1"]
    assert len(quick.got) == 100
    slow.drain()
    assert slow.got == [b"0", b"1", b"99"]
    bench.publish("hall", b"100")
    assert slow.got[-1] == b"100"


def test_a_viewer_that_drains_to_what_it_has_is_given_nothing(bench: Bench) -> None:
    slow = bench.attach("hall")
    slow.full = True
    bench.publish("hall", b"1")
    slow.drain()
    assert slow.got == [b"0", b"1"]


async def test_a_heartbeat_goes_only_to_who_holds_the_newest_view(bench: Bench) -> None:
    phone = bench.attach("visit", urgent=False)
    bench.beat("visit", b"beat")
    bench.publish("visit", b"1")  # before the heartbeat was written
    await bench.until(lambda: len(phone.got) > 1)
    assert phone.got == [b"0", b"1"]
    bench.publish("visit", b"2")
    bench.beat("visit", b"beat")  # before the view was written
    await bench.until(lambda: len(phone.got) > 2)
    assert phone.got == [b"0", b"1", b"2"]
    bench.beat("visit", b"beat")
    await bench.until(lambda: len(phone.got) > 3)
    assert phone.got == [b"0", b"1", b"2", b"beat"]


async def test_a_blocked_viewer_is_spared_heartbeats(bench: Bench) -> None:
    quick, slow = bench.attach("hall"), bench.attach("hall")
    slow.full = True
    bench.publish("hall", b"1")
    bench.beat("hall", b"beat")
    await bench.until(lambda: quick.got[-1] == b"beat")
    assert slow.got == [b"0", b"1"]


async def test_screens_come_before_phones_whatever_was_published_first(bench: Bench) -> None:
    phones = [bench.attach("visit", urgent=False) for _ in range(5)]
    screens = [bench.attach("hall", cost_s=SLICE_S / 2) for _ in range(6)]
    bench.order.clear()
    bench.publish("visit", b"1")
    assert bench.order == [], "the next screen's frame may be about to be published"
    bench.publish("hall", b"1")
    assert 0 < len(bench.order) < 6, "a slice of them"
    assert set(bench.order) < set(screens)
    await bench.until(lambda: len(bench.order) == 11)
    assert set(bench.order[:6]) == set(screens)
    assert set(bench.order[6:]) == set(phones)


async def test_writing_goes_in_slices_with_other_work_in_between(bench: Bench) -> None:
    wires = [bench.attach("visit", urgent=False, cost_s=SLICE_S / 4) for _ in range(400)]
    bench.publish("visit", b"1")
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(sum(len(wire.got) > 1 for wire in wires))
            await asyncio.sleep(0)

    work = asyncio.create_task(other())
    await bench.until(lambda: all(len(wire.got) > 1 for wire in wires))
    work.cancel()
    written = [later - earlier for earlier, later in itertools.pairwise(turns)]
    assert max(written) <= 4, "more than a slice between two turns of other work"
    assert sum(written) >= 396


def test_publishing_writes_no_longer_than_a_slice(bench: Bench) -> None:
    wires = [bench.attach("hall", cost_s=SLICE_S / 4) for _ in range(40)]
    before = bench.clock.now
    bench.publish("hall", b"1")
    assert bench.clock.now - before <= SLICE_S * 1.01
    assert sum(wire.got[-1] == b"1" for wire in wires) == 4


def test_who_was_not_reached_the_last_time_comes_first(bench: Bench) -> None:
    """A topic that changes faster than it can be written starves none of its viewers."""
    wires = [bench.attach("hall", cost_s=SLICE_S / 4) for _ in range(40)]
    for number in range(1, 11):
        bench.publish("hall", b"%d" % number)  # four are reached each time
    assert all(len(wire.got) == 2 for wire in wires)
    for number in range(11, 31):
        bench.publish("hall", b"%d" % number)
    assert {len(wire.got) for wire in wires} == {4}


def test_a_viewer_that_takes_nothing_is_cut_off(bench: Bench) -> None:
    quick, slow = bench.attach("hall"), bench.attach("hall")
    slow.full = True
    bench.publish("hall", b"1")
    bench.clock.now += BLOCKED_S
    assert (bench.hub.cut_off(), slow.ended) == (0, [])
    bench.clock.now += 0.001
    assert (bench.hub.cut_off(), slow.ended, quick.ended) == (1, ["aborted"], [])
    assert (bench.hub.viewers, bench.hub.blocked) == (1, set())
    slow.full = False
    bench.hub.drained(slow.viewer)
    bench.publish("hall", b"2")
    assert slow.got == [b"0", b"1"]


async def test_a_viewer_that_leaves_while_it_is_queued_is_passed_over(bench: Bench) -> None:
    gone, stays = bench.attach("visit", urgent=False), bench.attach("visit", urgent=False)
    bench.publish("visit", b"1")
    bench.hub.detach(gone.viewer)
    bench.hub.detach(gone.viewer)  # twice is once
    await bench.until(lambda: stays.got[-1] == b"1")
    assert gone.got == [b"0"]
    assert bench.hub.viewers == 1


async def test_a_topic_that_nobody_watches_is_forgotten(bench: Bench) -> None:
    phone, screen = bench.attach("visit", urgent=False), bench.attach("hall")
    bench.publish("visit", b"1")
    bench.hub.detach(phone.viewer)
    bench.hub.detach(screen.viewer)
    assert (bench.hub.topics, bench.hub.watched("hall"), bench.hub.viewers) == ({}, None, 0)
    late = bench.attach("visit", b"2", urgent=False)
    await bench.until(lambda: True)
    assert (phone.got, late.got) == ([b"0"], [b"2"])


def test_a_dismissed_viewer_is_told_why_once(bench: Bench) -> None:
    wire = bench.attach("hall")
    bench.hub.dismiss(wire.viewer, 4401)
    bench.hub.dismiss(wire.viewer, 4404)
    assert (wire.ended, bench.hub.viewers) == ([4401], 0)


def test_a_wire_that_breaks_does_not_stop_the_others(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = bench.attach("hall"), bench.attach("hall")
    broken.order = None  # type: ignore[assignment]
    bench.publish("hall", b"1")
    assert sound.got == [b"0", b"1"]
    assert broken.ended == ["aborted"]
    assert "cannot be written to" in caplog.text


TOPICS = ("hall", "panel", "visit/1", "visit/2")


class AnyOrder(RuleBasedStateMachine):
    """Whatever comes in whatever order, nobody sees an older view after a newer one, or misses the last."""

    wires = Bundle("wires")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.bench = Bench()
        self.task = self.loop.create_task(self.bench.hub.run())
        self.seq = 0
        self.newest = dict.fromkeys(TOPICS, 0)
        self.open: dict[Wire, str] = {}

    def step(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))

    def teardown(self) -> None:
        for wire in self.open:
            wire.drain()
        for _ in range(100):
            self.step()
        for wire, topic in self.open.items():
            assert views(wire)[-1] == self.newest[topic], "a viewer was left behind"
        self.task.cancel()
        self.loop.run_until_complete(asyncio.gather(self.task, return_exceptions=True))
        self.loop.close()

    @rule(target=wires, topic=st.sampled_from(TOPICS), full=st.booleans())
    def attach(self, topic: str, full: bool) -> Wire:
        wire = Wire(self.bench.hub, self.bench.clock, SLICE_S / 2)
        wire.full = full
        frame = b"view %d" % self.newest[topic]
        self.bench.hub.attach(wire.viewer, topic, frame, urgent=not topic.startswith("visit"))
        self.open[wire] = topic
        return wire

    @rule(wire=consumes(wires))
    def detach(self, wire: Wire) -> None:
        self.bench.hub.detach(wire.viewer)
        self.open.pop(wire)

    @rule(topic=st.sampled_from(TOPICS))
    def publish(self, topic: str) -> None:
        self.seq += 1
        self.newest[topic] = self.seq
        if self.bench.hub.watched(topic) is not None:
            self.bench.publish(topic, b"view %d" % self.seq)

    @rule(topic=st.sampled_from(TOPICS))
    def beat(self, topic: str) -> None:
        if self.bench.hub.watched(topic) is not None:
            self.bench.beat(topic, b"beat %d" % self.newest[topic])

    @rule(wire=wires)
    def fill(self, wire: Wire) -> None:
        wire.full = True

    @rule(wire=wires)
    def drain(self, wire: Wire) -> None:
        wire.drain()

    @rule(turns=st.integers(1, 4))
    def pump(self, turns: int) -> None:
        for _ in range(turns):
            self.step()

    @invariant()
    def nobody_goes_back(self) -> None:
        for wire in self.open:
            told = views(wire)
            assert told == sorted(set(told)), "an older view after a newer one, or the same twice"
            held = None
            for frame in wire.got:
                kind, number = frame.split()
                if kind == b"view":
                    held = number
                else:
                    assert held == number, "a heartbeat passed the view that it speaks of"

    @invariant()
    def counts_agree(self) -> None:
        assert self.bench.hub.viewers == len(self.open)
        assert set(self.bench.hub.topics) == set(self.open.values())
        assert {wire.viewer for wire in self.open} >= self.bench.hub.blocked


def views(wire: Wire) -> list[int]:
    return [int(frame.split()[1]) for frame in wire.got if frame.startswith(b"view")]


AnyOrder.TestCase.settings = settings(
    deadline=None,
    database=None,
    derandomize=os.environ.get("ONTHAAL_HYPOTHESIS") != "fuzz",
    max_examples=2000 if os.environ.get("ONTHAAL_HYPOTHESIS") == "fuzz" else 60,
    stateful_step_count=40,
)
test_any_order = AnyOrder.TestCase
