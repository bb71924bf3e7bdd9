"""The live wire as a client meets it: real server, real sockets, the house's clock standing still."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import pairwise
from typing import Any

import httpx
import pytest
from running import Onthaal, onthaal
from watching import Socket, Watcher, wait, watching
from websockets.frames import Opcode


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    """One server for all tests here: each works at its own counter."""
    with onthaal(tmp_path_factory.mktemp("wire")) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def forgotten(house: Onthaal) -> Iterator[Watcher]:
    """The phone of somebody who has left, looked at for as long as these tests take."""
    drawn = act(house.client("kiosk"), "/visits", {"service": "onthaal"})
    act(house.client("reception"), f"/visits/{drawn['visit']}/leave")
    with watching(house, secret(drawn)) as phone:
        yield phone


def act(client: httpx.Client, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = client.post("/sites/mechelen" + path, json=body or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def secret(answer: Any) -> str:
    return f"visits/{answer['link'].rsplit('/', 1)[1]}"


# --- frames ---------------------------------------------------------------------------------------


def test_the_first_frame_is_the_newest_view(house: Onthaal) -> None:
    desk = house.client("counter")
    seq = act(desk, "/counters/3/open")["seq"]
    with watching(house, "mechelen/hall", "screen") as hall:
        first = hall.frames[0][1]
    assert (first["v"], first["topic"], first["seq"]) == (1, "mechelen/hall", seq)
    assert first["at"] == "2026-11-23T08:15:00.000Z"
    assert list(first["view"]) == ["calls", "waiting", "notice", "tickets_over", "house"]
    seq = act(desk, "/counters/3/close")["seq"]
    with watching(house, "mechelen/counters/3", "counter") as panel:
        first = panel.frames[0][1]
    assert (first["seq"], first["view"]["counter"], first["view"]["mode"]) == (seq, "3", "closed")


def test_every_command_is_shown_where_it_matters(house: Onthaal) -> None:
    """After an answer each topic that it concerns has a view of that seq or a later one."""
    desk, kiosk = house.client("counter"), house.client("kiosk")
    with ExitStack() as stack:
        topics = {
            "hall": stack.enter_context(watching(house, "mechelen/hall", "kiosk")),
            "panel": stack.enter_context(watching(house, "mechelen/counters/1", "counter")),
            "other": stack.enter_context(watching(house, "mechelen/counters/13", "counter")),
            "reception": stack.enter_context(watching(house, "mechelen/reception", "reception")),
            "management": stack.enter_context(watching(house, "mechelen/management", "supervisor")),
        }

        def shown(answer: Any, *names: str) -> None:
            for name in names:
                topics[name].reached(answer["seq"], view=True)

        staff = ("panel", "reception", "management")
        shown(act(desk, "/counters/1/open"), "hall", "other", *staff)
        drawn = act(kiosk, "/visits", {"service": "onthaal"})
        shown(drawn, "hall", *staff)
        topics["phone"] = stack.enter_context(watching(house, secret(drawn)))
        shown(act(desk, "/counters/1/next"), "hall", "phone", *staff)
        assert topics["hall"].views[-1]["view"]["calls"][0]["ticket"] == drawn["ticket"]
        assert topics["phone"].views[-1]["view"]["counter"] == "1"
        before = topics["hall"].views[-1]["view"]["calls"][0]["id"]
        shown(act(desk, "/counters/1/recall"), "hall", "panel", "phone")
        assert topics["hall"].views[-1]["view"]["calls"][0]["id"] != before
        shown(act(desk, "/counters/1/start"), "phone", *staff)
        shown(act(desk, "/counters/1/park"), "phone", *staff)
        shown(act(desk, f"/visits/{drawn['ticket']}/return"), "hall", "phone", *staff)
        shown(act(desk, "/counters/1/call", {"ticket": drawn["ticket"]}), "hall", "phone", *staff)
        shown(act(desk, "/counters/1/undo"), "hall", "phone", *staff)
        shown(act(desk, "/counters/1/next"), "hall", "phone", *staff)
        shown(act(desk, "/counters/1/finish"), "phone", *staff)
        last = act(desk, "/counters/1/close")
        shown(last, "hall", "other", *staff)

        # What does not concern a topic is not sent to it again, but it hears that its picture holds.
        assert len(topics["other"].views) == 3
        topics["other"].reached(last["seq"], within_s=3)


def test_who_pressed_a_button_that_changed_nothing_hears_of_it_soon(house: Onthaal) -> None:
    desk = house.client("counter")
    act(desk, "/counters/12/open")
    with watching(house, "mechelen/counters/12", "counter") as panel:
        act(
            desk,
            "/visits/" + act(house.client("kiosk"), "/visits", {"service": "onthaal"})["ticket"] + "/leave",
        )
        answer = act(desk, "/counters/12/next")
        assert answer["ticket"] is None
        panel.reached(answer["seq"], within_s=3)
    act(desk, "/counters/12/close")


def test_no_frame_tells_what_is_not_in_the_journal(house: Onthaal) -> None:
    """Commit, then tell: whoever holds a frame finds its seq in the journal."""
    desk, journal = house.client("counter"), house.client("supervisor")
    with watching(house, "mechelen/hall", "screen") as hall:
        checked = 0
        for number in range(12):
            answer = act(desk, "/counters/4/close" if number % 2 else "/counters/4/open")
            for frame in hall.views[checked:]:
                checked += 1
                found = journal.get("/sites/mechelen/journal", params={"after": frame["seq"] - 1, "limit": 1})
                assert [entry["seq"] for entry in found.json()["entries"]] == [frame["seq"]]
            hall.reached(answer["seq"])
        assert checked > 1


def test_nothing_is_told_while_the_commit_waits(house: Onthaal) -> None:
    """The file is locked from outside, so the commit cannot happen; the loop goes on all the same."""
    desk = house.client("counter")
    with ExitStack() as stack:
        watchers = [
            stack.enter_context(watching(house, "mechelen/hall", "screen")),
            stack.enter_context(watching(house, "mechelen/counters/9", "counter")),
        ]
        before = shown_seq(house)
        lock = stack.enter_context(closing(sqlite3.connect(house.database, isolation_level=None)))
        lock.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(act, desk, "/counters/9/open")
            until = time.monotonic() + 0.4
            while time.monotonic() < until:
                for watcher in watchers:
                    assert watcher.connection.ping().wait(2)
                    assert watcher.frames[-1][1]["seq"] == before
            assert not answer.done()
            lock.execute("ROLLBACK")
            seq = answer.result(5)["seq"]
        assert seq == before + 1
        for watcher in watchers:
            watcher.reached(seq, view=True)
    act(desk, "/counters/9/close")


def shown_seq(house: Onthaal) -> int:
    """The seq that the hall shows now, as who polls sees it."""
    seq: int = house.client("screen").get("/sites/mechelen/views/hall").json()["seq"]
    return seq


# --- what a client sends --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["nope", "[]", "null", '{"painted":"1"}', '{"painted":1.5}', '{"sounded":"A001-4"}', '{"more":1}', ""],
)
def test_what_is_no_receipt_closes_the_connection(house: Onthaal, text: str) -> None:
    with watching(house, "mechelen/hall", "screen") as hall:
        hall.connection.send(text)
        assert hall.closed() == (1008, "")


def test_a_binary_message_closes_the_connection(house: Onthaal) -> None:
    with watching(house, "mechelen/hall", "screen") as hall:
        hall.connection.send(b'{"painted":1}')
        assert hall.closed()[0] == 1003


def test_a_message_that_is_too_long_closes_the_connection_and_the_code_arrives(house: Onthaal) -> None:
    with watching(house, "mechelen/hall", "screen") as hall:
        longest = '{"sounded":["' + 4080 * "x" + '"]}'
        assert len(longest) == 4096
        hall.connection.send(longest)
        assert hall.connection.ping().wait(5)
        hall.connection.send('{"sounded":["' + 100_000 * "x" + '"]}')
        assert hall.closed()[0] == 1009


def test_text_that_is_no_utf_8_closes_the_connection(house: Onthaal) -> None:
    with Socket(house, "mechelen/hall", "screen").handshake() as viewer:
        viewer.frame(Opcode.TEXT, b'{"sounded":["\xff"]}')
        assert viewer.close_code() == 1007
    assert "Traceback" not in house.log()


def test_bytes_that_are_no_websocket_close_the_connection(house: Onthaal) -> None:
    with Socket(house, "mechelen/hall", "screen").handshake() as viewer:
        viewer.send(b"GET / HTTP/1.1\r\n\r\n")
        assert viewer.close_code() == 1002


def test_a_receipt_may_come_in_pieces_but_not_in_any_number(house: Onthaal) -> None:
    with Socket(house, "mechelen/hall", "screen").handshake() as viewer:
        viewer.frame(Opcode.TEXT, b'{"pain', fin=False)
        viewer.frame(Opcode.PING, b"between")
        viewer.frame(Opcode.CONT, b'ted":', fin=False)
        viewer.frame(Opcode.CONT, b"1}")
        viewer.frame(Opcode.PING, b"after")
        assert viewer.read_until(Opcode.PONG).data in (b"between", b"after")
        viewer.frame(Opcode.TEXT, b"", fin=False)
        for _ in range(80):
            viewer.frame(Opcode.CONT, b"", fin=False)
        assert viewer.close_code() == 1008


def test_a_ping_is_answered(house: Onthaal) -> None:
    with watching(house, "mechelen/hall", "screen") as hall:
        assert hall.connection.ping("are you there?").wait(5)


def test_of_many_pings_the_newest_is_answered(house: Onthaal) -> None:
    with Socket(house, "mechelen/hall", "screen").handshake() as viewer:
        for number in range(500):
            viewer.frame(Opcode.PING, b"%d" % number)
        while viewer.read_until(Opcode.PONG).data != b"499":
            pass


def test_a_flood_of_receipts_waits_in_the_network_and_delays_nobody(house: Onthaal) -> None:
    desk = house.client("counter")
    with (
        Socket(house, "mechelen/hall", "screen").handshake() as flood,
        watching(house, "mechelen/hall", "screen") as hall,
    ):
        flood.socket.settimeout(0.2)
        pushed = push_until_full(flood)
        answer = act(desk, "/counters/5/open")
        hall.reached(answer["seq"], within_s=1)
    act(desk, "/counters/5/close")
    assert pushed < 4000


def push_until_full(flood: Socket) -> int:
    """How many receipts the network takes at once."""
    for pushed in range(4000):
        try:
            flood.frame(Opcode.TEXT, b'{"sounded":["' + 2000 * b"x" + b'"]}')
        except TimeoutError:
            return pushed
    return 4000


def test_receipts_tell_how_long_it_took_to_the_glass(house: Onthaal) -> None:
    def glass() -> float:
        told = httpx.get(
            house.base + "/metrics", headers={"Authorization": f"Bearer {house.token('administrator')}"}
        ).text
        found = re.search(r'^onthaal_glass_seconds_count\{audience="hall"\} (.+)$', told, re.MULTILINE)
        return float(found[1]) if found else 0.0

    desk = house.client("counter")
    with watching(house, "mechelen/hall", "screen") as hall:
        before = glass()
        seq = act(desk, "/counters/6/open")["seq"]
        hall.reached(seq, view=True)
        hall.connection.send(f'{{"painted":{seq},"sounded":[]}}')
        wait(lambda: glass() == before + 1, "the receipt in the metrics")
        hall.connection.send(f'{{"painted":{seq}}}')  # the same again counts once
        hall.connection.send('{"sounded":["A001-4"]}')
        hall.connection.send('{"painted":999999999}')  # a seq that is not there yet counts for nothing
        assert hall.connection.ping().wait(5)
        assert glass() == before + 1
    act(desk, "/counters/6/close")


# --- the handshake --------------------------------------------------------------------------------


def test_neither_compression_nor_a_subprotocol_is_agreed(house: Onthaal) -> None:
    with watching(
        house, "mechelen/hall", "screen", compression="deflate", subprotocols=["onthaal", "graphql-ws"]
    ) as hall:
        response = hall.connection.response
        assert response is not None
        assert "Sec-WebSocket-Extensions" not in response.headers
        assert "Sec-WebSocket-Protocol" not in response.headers
        assert hall.connection.protocol.extensions == []


def test_a_handshake_may_come_byte_by_byte(house: Onthaal) -> None:
    def slowly(sock: Any, data: bytes) -> None:
        for byte in data:
            sock.sendall(bytes([byte]))

    viewer = Socket(house, "mechelen/hall", "screen")
    viewer.socket.setsockopt(6, 1, 1)  # TCP_NODELAY: each byte on its own
    with viewer.handshake(slowly):
        assert viewer.response is not None
        assert viewer.response.status_code == 101
        assert viewer.read_until(Opcode.TEXT).data.startswith(b'{"v":1,')


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Sec-WebSocket-Version: 12", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="], 400),
        (["Sec-WebSocket-Version: 13"], 400),
        (
            ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
            + [f"X-{number}: x" for number in range(200)],
            431,
        ),
    ],
)
def test_a_bad_handshake_gets_an_answer(house: Onthaal, lines: list[str], status: int) -> None:
    asked = [
        "GET /live/mechelen/hall HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
    ]
    with Socket(house, "mechelen/hall") as viewer:
        viewer.send("\r\n".join([*asked, *lines, "", ""]).encode())
        answer = b""
        while data := viewer.socket.recv(65_536):
            answer += data
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert "Traceback" not in house.log()


@pytest.mark.parametrize(
    ("topic", "role", "headers", "code"),
    [
        ("mechelen/hall", None, {}, 4401),
        ("mechelen/hall", None, {"Authorization": "Bearer ont_x_y"}, 4401),
        ("mechelen/hall", None, {"Cookie": "__Host-onthaal=nobody"}, 4401),
        ("mechelen/hall", "screen", {"Origin": "https://elsewhere.example"}, 4403),
        ("mechelen/hall", "screen", {"Origin": "null"}, 4403),
        ("mechelen/reception", "screen", {}, 4403),
        ("elsewhere/hall", "screen", {}, 4403),
        ("mechelen/lobby", "screen", {}, 4404),
        ("mechelen/counters/99", "counter", {}, 4404),
        ("mechelen", "screen", {}, 4404),
        ("", "screen", {}, 4404),
        ("visits/nobody", None, {}, 4404),
        ("visits/nobody", None, {"Origin": "https://elsewhere.example"}, 4403),
    ],
)
def test_a_refusal_is_accepted_and_closed(
    house: Onthaal, topic: str, role: str | None, headers: dict[str, str], code: int
) -> None:
    with watching(house, topic, role, seen=False, headers=headers) as watcher:
        assert watcher.closed() == (code, "")
        assert watcher.frames == []


def test_our_own_pages_may_watch(house: Onthaal) -> None:
    with watching(house, "mechelen/hall", "screen", headers={"Origin": house.base}):
        pass


def test_secrets_reach_no_log(house: Onthaal) -> None:
    drawn = act(house.client("kiosk"), "/visits", {"service": "onthaal"})
    with watching(house, secret(drawn)) as phone:
        assert phone.views[-1]["view"]["ticket"] == drawn["ticket"]
    assert secret(drawn).removeprefix("visits/") not in house.log()


# --- heartbeats -----------------------------------------------------------------------------------


def worst(watcher: Watcher) -> float:
    """The longest time between two frames, in seconds."""
    return max(later - earlier for (earlier, _), (later, _) in pairwise(watcher.frames))


def test_screens_and_panels_hear_something_every_five_seconds(house: Onthaal) -> None:
    places = {"hall": "screen", "counters/7": "counter", "reception": "reception", "management": "supervisor"}
    with ExitStack() as stack:
        screens = [
            stack.enter_context(watching(house, f"mechelen/{at}", role)) for at, role in places.items()
        ]
        for screen in screens:
            wait(lambda screen=screen: len(screen.frames) > 2, "two heartbeats", within_s=11)
            assert worst(screen) <= 5
            assert len(screen.views) == 1


def test_phones_hear_something_every_twenty_seconds(forgotten: Watcher) -> None:
    wait(lambda: len(forgotten.frames) > 1, "a heartbeat", within_s=21)
    assert 15 < worst(forgotten) <= 20
    assert len(forgotten.views) == 1
