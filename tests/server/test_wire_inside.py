"""The way from a commit to the hub: the real parts in this process, over SQLite; only the wires are air."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from domain.days import utc
from houses import house

from displays import board, ticket
from server import access
from server.app import Onthaal, Options, assembled
from server.domain import commands as co
from server.domain.house import ScreenPlan
from server.hub import Hub, Viewer
from server.keys import fresh_id
from server.live import Request, Site
from server.publisher import Address
from server.wire import EXTENSION

MORNING = utc("2026-11-26 07:30")


class Wire:
    """The server's end of a connection; what the hub writes is kept as frames."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.viewer: Viewer | None = None
        self.ended: tuple[int, str] | None = None
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def hand_over(self, viewer: Viewer, _hub: Hub) -> None:
        self.viewer = viewer

    def write(self, data: bytes) -> None:
        self.frames.append(json.loads(data[data.index(b'{"v"') :]))

    def close(self, code: int, reason: str = "") -> None:
        self.ended = self.ended or (int(code), reason)
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": code})

    def abort(self) -> None:
        self.close(1006)

    @property
    def newest(self) -> dict[str, Any]:
        return [frame for frame in self.frames if "view" in frame][-1]


class Inside:
    """A running Onthaal without a socket."""

    def __init__(self, onthaal: Onthaal) -> None:
        self.onthaal = onthaal
        self.live = onthaal.parts.live
        self.publisher = onthaal.parts.publisher
        self.clock = onthaal.parts.clock
        self.app = onthaal.application()
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def site(self) -> Site:
        return self.live.sites["mechelen"]

    async def do(self, command: co.Command) -> int:
        """The seq that a command reached."""
        seqs: list[int] = []

        def answer(decided: Any) -> bytes:
            seqs.append(decided.day.seq)
            return b""

        await self.live.execute(Request("mechelen", lambda _known: command, answer))
        return seqs[-1]

    def watch(self, audience: str, which: str = "") -> Wire:
        """A viewer of a topic, as ``server.sockets`` attaches one."""
        address, wire = Address("mechelen", audience, which), Wire()
        wire.viewer = Viewer(wire)
        frame = self.publisher.first(address)
        self.onthaal.hub.attach(wire.viewer, address.name, frame, urgent=address.urgent)
        return wire

    def connect(self, path: str, **headers: str) -> Wire:
        """A viewer that comes through the application itself."""
        wire = Wire()
        path, _, query = path.partition("?")
        lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost:8080"), *lines],
            "subprotocols": [],
            "extensions": {EXTENSION: wire},
        }
        wire.inbox.put_nowait({"type": "websocket.connect"})

        async def send(_message: Any) -> None:
            await asyncio.sleep(0)

        self.tasks.append(asyncio.create_task(self.app(scope, wire.inbox.get, send)))
        return wire

    def silence(self, *audiences: str) -> None:
        """As if nothing had been written to these topics for a long time."""
        for topic in self.onthaal.hub.topics.values():
            if topic.name.split("/")[1] in audiences:
                topic.written_at -= 60


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for a condition."""
    try:
        async with asyncio.timeout(8):
            while not condition():  # noqa: ASYNC110 - the condition has no event
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"waited in vain: {what}") from None


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    options = Options(
        f"sqlite:///{tmp_path / 'onthaal.db'}",
        str(house(tmp_path, 3, services=("onthaal", "burger"))),
        house_time=MORNING,
        speed=0,
    )
    async with assembled(options) as onthaal:
        running = Inside(onthaal)
        work = asyncio.create_task(onthaal.work())
        try:
            await until(lambda: running.site.day.date, "the day to open")
            yield running
        finally:
            for task in (work, *running.tasks):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def test_a_view_is_shown_in_the_turn_of_its_commit_and_phones_follow(inside: Inside) -> None:
    await inside.do(co.OpenCounter(counter="1"))
    await inside.do(co.WalkIn(visit="v1", service="onthaal"))
    hall, phone = inside.watch("hall"), inside.watch("visits", "v1")
    assert [frame["view"]["status"] for frame in phone.frames] == ["waiting"]

    seen: list[tuple[int, int]] = []
    shown = inside.publisher.changed

    def changed(site: Site) -> None:
        shown(site)
        seen.append((hall.newest["seq"], phone.newest["seq"]))

    inside.live.changed = changed
    seq = await inside.do(co.CallNext(counter="1"))
    assert seen == [(seq, seq - 1)], "screens in the turn of the commit, phones after it"
    await until(lambda: phone.newest["seq"] == seq, "the phone")
    assert phone.newest["view"]["status"] == "called"


async def test_what_did_not_change_is_not_sent_again(inside: Inside) -> None:
    await inside.do(co.WalkIn(visit="v1", service="onthaal"))
    hall, phone = inside.watch("hall"), inside.watch("visits", "v1")
    for _ in range(3):
        inside.publisher.changed(inside.site)
        await asyncio.sleep(0.01)
    assert (len(hall.frames), len(phone.frames)) == (1, 1)
    assert len(inside.watch("hall").frames) == 1
    assert (len(hall.frames), len(phone.frames)) == (1, 1)


async def test_who_comes_to_a_picture_that_stands_still_learns_the_time(inside: Inside) -> None:
    early = inside.watch("hall")
    inside.clock.jump(MORNING + 60_000_000)
    inside.silence("hall")
    await until(lambda: len(early.frames) > 1, "a heartbeat")
    late = inside.watch("hall")
    assert late.frames[0]["at"] == early.frames[1]["at"] == "2026-11-26T07:31:00.000Z"
    assert late.frames[0]["view"] == early.frames[0]["view"]
    inside.silence("hall")
    await until(lambda: len(late.frames) > 1, "another heartbeat")
    assert "view" not in late.frames[1]
    assert [("view" in frame) for frame in early.frames] == [True, False, False]


@pytest.mark.parametrize(("audience", "which"), [("hall", ""), ("visits", "v1")])
async def test_no_heartbeat_comes_before_the_view_it_would_speak_of(
    inside: Inside, audience: str, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent for long, and its view changed at the same tick: the view comes, and breaks the silence."""
    monkeypatch.setattr("server.publisher.SLICE_S", 0.0)  # one thing a turn: the hub writes in between
    await inside.do(co.WalkIn(visit="v1", service="onthaal"))
    wire = inside.watch(audience, which)
    inside.clock.jump(utc("2026-11-26 12:00"))  # the doors close; nothing is in the journal
    inside.silence("hall", "visits")
    await until(lambda: len(wire.frames) > 1, "a frame")
    assert wire.frames[1]["view"]["house"]["state"] == "closed"
    assert wire.frames[1]["at"] == "2026-11-26T12:00:00.000Z"
    inside.silence("hall", "visits")
    await until(lambda: len(wire.frames) > 2, "a heartbeat")
    assert "view" not in wire.frames[2]


async def test_a_heartbeat_is_never_newer_than_what_is_known(inside: Inside) -> None:
    """It speaks for the model that the views were made from, however late it is written."""
    hall = inside.watch("hall")
    await inside.do(co.OpenCounter(counter="3"))
    inside.silence("hall")
    await until(lambda: "view" not in hall.frames[-1], "a heartbeat")
    told = [(frame["seq"], frame["at"]) for frame in hall.frames]
    assert told == sorted(told)
    assert told[-1][0] == inside.site.day.seq


async def test_views_change_because_time_passes(inside: Inside) -> None:
    await inside.do(co.OpenCounter(counter="1"))
    await inside.do(co.WalkIn(visit="v1", service="onthaal"))
    seq = await inside.do(co.CallNext(counter="1"))
    hall, panel = inside.watch("hall"), inside.watch("counters", "1")
    assert hall.newest["view"]["calls"]
    assert panel.newest["view"]["undo"]
    inside.clock.jump(MORNING + 601_000_000)
    await until(lambda: not hall.newest["view"]["calls"], "the call to go")
    await until(lambda: not panel.newest["view"]["undo"], "the offer to go")
    assert (hall.newest["seq"], panel.newest["seq"]) == (seq, seq)


async def test_one_broken_view_stops_no_other_and_claims_nothing(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hall, panel = inside.watch("hall"), inside.watch("counters", "1")

    def broken(_model: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(board, "hall", broken)
    seq = await inside.do(co.OpenCounter(counter="1"))
    await until(lambda: panel.newest["seq"] == seq, "the panel")
    inside.silence("hall", "counters")
    await until(lambda: "view" not in panel.frames[-1], "the panel's heartbeat")
    await until(lambda: caplog.text.count("no view for an audience: hall") > 1, "another try")
    assert len(hall.frames) == 1, "a heartbeat says that the picture holds, and nobody knows"
    token = await create(inside, access.Role.SCREEN)
    late = inside.connect("/live/mechelen/hall", authorization=f"Bearer {token}")
    await until(lambda: late.ended, "the newcomer to be told")
    assert late.ended == (1011, "")


async def test_a_page_that_broke_is_tried_again_though_nothing_more_happens(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await inside.do(co.OpenCounter(counter="1"))
    await inside.do(co.WalkIn(visit="v1", service="onthaal"))
    phone = inside.watch("visits", "v1")

    def broken(*_arguments: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(ticket, "page", broken)
        seq = await inside.do(co.CallNext(counter="1"))
        await until(lambda: "no view for an audience: visits" in caplog.text, "the page to break")
    await until(lambda: phone.newest["seq"] == seq, "the page")


async def test_the_day_ends_and_another_begins(inside: Inside) -> None:
    await inside.do(co.OpenCounter(counter="1"))
    first, second = fresh_id(), fresh_id()
    for visit in (first, second):
        await inside.do(co.WalkIn(visit=visit, service="onthaal"))
    await inside.do(co.CallNext(counter="1"))
    hall, panel = inside.watch("hall"), inside.watch("counters", "1")
    phone = inside.watch("visits", second)

    inside.clock.jump(utc("2026-11-26 13:00"))  # an hour after closing at 13:00 in Brussels
    await until(lambda: inside.site.day.ended, "the day to end")
    for wire in (hall, panel, phone):
        await until(lambda wire=wire: wire.newest["view"]["house"]["state"] == "ended", "the day's end")
    assert hall.newest["view"]["calls"] == []
    assert [line["waiting"] for line in hall.newest["view"]["waiting"]] == [0, 0]
    assert (panel.newest["view"]["mode"], panel.newest["view"]["current"]) == ("closed", None)
    assert phone.newest["view"]["status"] == "not-served"
    assert phone.ended is None

    inside.clock.jump(utc("2026-11-26 23:00"))  # midnight in Brussels
    await until(lambda: inside.site.day.date == "2026-11-27", "the next day")
    for wire in (hall, panel):
        await until(lambda wire=wire: wire.newest["view"]["house"]["date"] == "2026-11-27", "its picture")
    await until(lambda: phone.ended, "the phone to be told")
    assert phone.ended == (4404, "")
    assert phone.newest["view"]["status"] == "not-served"
    assert (hall.ended, panel.ended) == (None, None)
    secret = inside.onthaal.parts.keys.visit_secret(second)
    again = inside.connect(f"/live/visits/{secret}")
    await until(lambda: again.ended, "the phone to be told again")
    assert again.ended == (4404, "")


async def create(inside: Inside, role: access.Role) -> str:
    def work(connection: Any) -> str:
        return access.create_token(connection, "mechelen", role, None)

    return await inside.onthaal.parts.database.write(work)


async def test_a_screen_that_stops_telling_is_silent_though_its_line_lives(inside: Inside) -> None:
    inside.site.house = replace(inside.site.house, screens={"hall": ScreenPlan(id="hall", name="Hall")})
    inside.publisher.presence.silent_s = 0.2
    token = await create(inside, access.Role.SCREEN)
    overview = inside.watch("management")
    screen = inside.connect("/live/mechelen/hall?screen=hall", authorization=f"Bearer {token}")
    await until(lambda: screen.frames, "a first frame")

    def state() -> str:
        inside.clock.jump(inside.clock.now() + 1_000_000)  # a view is sent anew only at another moment
        said: str = overview.newest["view"]["screens"][0]["state"]
        return said

    def tell() -> bool:
        screen.inbox.put_nowait({"type": "websocket.receive", "text": "{}"})
        return state() == "online"

    assert state() == "never"
    await until(tell, "the screen to be heard")
    await until(lambda: state() == "silent", "the screen to be missed")
    view = overview.newest["view"]
    assert (view["screens"][0]["connections"], screen.ended) == (1, None)
    assert [(alert["kind"], alert["screen"]) for alert in view["alerts"]] == [("screen-silent", "hall")]
    await until(tell, "the screen to be back")
    assert overview.newest["view"]["alerts"] == []


async def test_one_moment_shows_one_thing_whatever_screens_tell(inside: Inside) -> None:
    """The house's clock stands still: two frames of one (seq, at) would differ."""
    token = await create(inside, access.Role.COUNTER)
    await inside.do(co.OpenCounter(counter="1"))
    overview = inside.watch("management")
    panel = inside.connect("/live/mechelen/counters/1", authorization=f"Bearer {token}")
    panel.inbox.put_nowait({"type": "websocket.receive", "text": '{"painted":1}'})

    def polled() -> Any:
        frame = inside.publisher.frame(Address("mechelen", "management"))
        return json.loads(frame)["view"]["screens"][0]["state"]

    await until(lambda: polled() == "online", "the panel to be heard")
    before = inside.publisher._modelled["mechelen"]
    await until(lambda: inside.publisher._modelled["mechelen"] > before, "a tick")
    inside.publisher.changed(inside.site)
    assert len(overview.frames) == 1
    seq = await inside.do(co.OpenCounter(counter="2"))
    await until(lambda: overview.newest["seq"] == seq, "the next change")
    assert overview.newest["view"]["screens"][0]["state"] == "online"


async def test_who_signs_out_watches_no_longer(inside: Inside) -> None:
    doorkeeper = inside.onthaal.parts.doorkeeper
    principal = await doorkeeper.by_token(await create(inside, access.Role.COUNTER))
    assert principal is not None
    mine, other = [await doorkeeper.sign_in(principal) for _ in range(2)]
    origin = "http://localhost:8080"
    left = inside.connect("/live/mechelen/hall", cookie=f"{access.COOKIE}={mine}", origin=origin)
    stays = inside.connect("/live/mechelen/hall", cookie=f"{access.COOKIE}={other}", origin=origin)
    inside.tasks.append(asyncio.create_task(inside.onthaal.sockets.recheck(every_s=0.01)))
    await until(lambda: left.frames and stays.frames, "first frames")
    await doorkeeper.sign_out(mine)
    await until(lambda: left.ended, "the one who signed out to be told")
    assert (left.ended, stays.ended) == ((4401, ""), None)
    assert inside.onthaal.hub.viewers == 1


async def test_nothing_is_missed_between_the_first_frame_and_the_next(inside: Inside) -> None:
    """Viewers come one by one to topics that nobody watched before, while commands go on."""
    visits = [fresh_id() for _ in range(30)]
    for visit in visits:
        await inside.do(co.WalkIn(visit=visit, service="onthaal"))
    done = False

    async def drive() -> None:
        number = 0
        while not done:
            number += 1
            counter = str(1 + number // 2 % 3)
            await inside.do(
                co.CloseCounter(counter=counter) if number % 2 else co.OpenCounter(counter=counter)
            )

    driver = asyncio.create_task(drive())
    phones = {}
    for visit in visits:
        phones[visit] = inside.connect(f"/live/visits/{inside.onthaal.parts.keys.visit_secret(visit)}")
        await until(lambda phone=phones[visit]: phone.frames, "a first frame")
    done = True
    await driver
    model = inside.publisher.model(inside.site)
    for visit, phone in phones.items():
        want = json.loads(inside.publisher.frame(Address("mechelen", "visits", visit)))["view"]
        await until(
            lambda phone=phone, want=want: phone.newest["view"] == want, f"{visit} at seq {model.day.seq}"
        )
        told = [(frame["seq"], frame["at"]) for frame in phone.frames]
        assert told == sorted(told)
