"""Viewers that take little or nothing, a server that is full, and one that goes away."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from running import Onthaal
from watching import Socket, Watcher, wait, watching
from websockets.frames import Opcode

CHANGES = 150


@pytest.fixture
def house(tmp_path: Any) -> Iterator[Onthaal]:
    """A server that may be stopped and started; room for five viewers."""
    server = Onthaal(tmp_path)
    server.more = ["--max-viewers", "5"]
    try:
        yield server.start()
    finally:
        server.close()


def change(client: httpx.Client, number: int) -> int:
    """The seq of a change that every view of staff shows."""
    act = "close" if number % 2 else "open"
    answer = client.post(f"/sites/mechelen/counters/1/{act}")
    assert answer.status_code == 200
    seq: int = answer.json()["seq"]
    return seq


def gauge(server: Onthaal, name: str) -> float:
    headers = {"Authorization": f"Bearer {server.token('administrator')}"}
    told = httpx.get(server.base + "/metrics", headers=headers).text
    found = re.search(rf"^{name} (.+)$", told, re.MULTILINE)
    assert found, told
    return float(found[1])


def stalled(server: Onthaal) -> Socket:
    """Somebody who watches reception and reads nothing."""
    return Socket(server, "mechelen/reception", "reception", receive_buffer=4096).handshake()


def test_who_reads_again_gets_the_newest_after_few_old_ones_and_nobody_waited_for_it(house: Onthaal) -> None:
    desk = house.client("counter")
    with stalled(house) as slow, watching(house, "mechelen/reception", "reception") as quick:
        delays = []
        for number in range(CHANGES):
            seq = change(desk, number)
            answered = time.monotonic()
            quick.reached(seq, view=True, within_s=2)
            delays.append(time.monotonic() - answered)
        wait(lambda: gauge(house, "onthaal_blocked_viewers") == 1, "that the slow viewer counts as blocked")
        delays.sort()
        assert delays[len(delays) // 2] < 0.05, "a slow viewer delays the others"

        while not (seqs := texts(slow)) or seqs[-1] < seq:
            slow.read(16_384)
        assert seqs == sorted(set(seqs)), "an older view after a newer one"
        # What the kernels hold on both sides and one frame in ours: the rest was never sent.
        assert sum(len(frame.data) for frame in slow.heard) < 500_000
        assert len(seqs) < CHANGES - 20
        assert seqs[-1] - seqs[-2] > 20, "the newest comes right after what was stuck"
        wait(lambda: gauge(house, "onthaal_blocked_viewers") == 0, "that it is blocked no more")
        slow.heard.clear()
        seq = change(desk, CHANGES)
        while seq not in texts(slow):
            slow.read()


def texts(viewer: Socket) -> list[int]:
    """The seqs of the views that came."""
    found = [
        re.match(rb'\{"v":1,"topic":"[^"]+","seq":(\d+),"at":"[^"]+","view"', bytes(f.data))
        for f in viewer.heard
    ]
    return [int(match[1]) for match in found if match]


def test_a_full_server_says_when_to_come_back(house: Onthaal) -> None:
    sockets = [Socket(house, "mechelen/hall", "screen").handshake() for _ in range(5)]
    for viewer in sockets:
        viewer.read_until(Opcode.TEXT)
    with watching(house, "mechelen/hall", "screen", seen=False) as sixth:
        code, reason = sixth.closed()
        assert code == 1013
        assert 0 < float(reason) <= 60
        assert sixth.frames == []
    sockets.pop().socket.close()
    wait(lambda: gauge(house, "onthaal_viewers") == 4, "that one has left")
    with watching(house, "mechelen/hall", "screen"):
        pass
    for viewer in sockets:
        viewer.socket.close()


def test_a_server_that_goes_away_says_so_and_waits_for_nobody(house: Onthaal) -> None:
    desk = house.client("counter")
    with stalled(house) as slow, watching(house, "mechelen/hall", "screen") as hall:
        for number in range(60):
            seq = change(desk, number)
        hall.reached(seq)
        wait(lambda: gauge(house, "onthaal_blocked_viewers") == 1, "that the slow viewer counts as blocked")
        began = time.monotonic()
        house.stop(signal.SIGTERM)
        assert time.monotonic() - began < 5
        code, reason = hall.closed()
        assert code == 1012
        assert 0 < float(reason) <= 60
        newest = hall.views[-1]
        assert not slow.gone
    assert "Traceback" not in house.log()

    # Back again: the first frame is the same picture, no older than what was shown before.
    house.start()
    with watching(house, "mechelen/hall", "screen") as again:
        first = again.views[0]
        assert (first["seq"], first["view"]["waiting"]) == (newest["seq"], newest["view"]["waiting"])
        assert first["at"] >= newest["at"]


def test_a_server_that_is_killed_comes_back_to_the_same_picture(house: Onthaal) -> None:
    desk, kiosk = house.client("counter"), house.client("kiosk")
    assert desk.post("/sites/mechelen/counters/1/open").status_code == 200
    drawn = kiosk.post("/sites/mechelen/visits", json={"service": "onthaal"}).json()
    seq = desk.post("/sites/mechelen/counters/1/next").json()["seq"]

    def watch(check: Watcher) -> dict[str, Any]:
        frame = check.reached(seq, view=True)
        return {key: frame[key] for key in ("topic", "seq", "view")}

    phone = f"visits/{drawn['link'].rsplit('/', 1)[1]}"
    before = {}
    for topic, role in ((phone, None), ("mechelen/hall", "screen")):
        with watching(house, topic, role) as watcher:
            before[topic] = watch(watcher)
    house.stop(signal.SIGKILL)
    house.start()
    for topic, role in ((phone, None), ("mechelen/hall", "screen")):
        with watching(house, topic, role) as watcher:
            assert watch(watcher) == before[topic]
