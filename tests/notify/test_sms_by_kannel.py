"""SMS through a real Kannel: what its SMS centre got, and what came back from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import kannel
import pytest
from callbacks import KEYS, Desk, application
from kannel import NUMBER, text_of
from loopback import serving, until
from running import free_port

from notify.channels import Accepted, Incoming, Message, Reached, TryLater, addresses
from notify.channels.exchange import Line as Connections
from notify.channels.sms import aclose
from notify.channels.sms_kannel import Kannel
from server.sms_tables import KannelTable

pytestmark = pytest.mark.kannel

TO = "+32470123456"


@dataclass
class Line:
    """Onthaal's side of a Kannel that runs."""

    kannel: kannel.Kannel
    gateway: Kannel
    desk: Desk
    base: str

    def message(self, delivery: str, text: str) -> Message:
        url = addresses.of_delivery(KEYS, self.base, "sms", delivery)
        return Message(delivery=delivery, attempt=1, to=TO, text=text, receipt_url=url)

    def reached(self, delivery: str) -> list[tuple[Reached, str]]:
        return [(found.reached, found.code) for found in self.desk.receipts if found.delivery == delivery]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[kannel.Kannel, int]]:
    """A Kannel, and the port at which it finds Onthaal."""
    port = free_port()
    incoming = addresses.of_incoming(KEYS, f"http://127.0.0.1:{port}", "sms")
    with kannel.Kannel(tmp_path_factory.mktemp("kannel"), incoming).running() as started:
        yield started, port


@pytest.fixture
async def line(running: tuple[kannel.Kannel, int]) -> AsyncIterator[Line]:
    """Both sides, listening to each other."""
    started, port = running
    table = KannelTable(url=started.url, username="onthaal", password=kannel.PASSWORD)
    gateway = Kannel(table, kannel.PASSWORD, NUMBER, Connections(8, 5))
    base, desk = f"http://127.0.0.1:{port}", Desk()
    async with serving(application(desk, base, {"sms": gateway}), port):
        yield Line(started, gateway, desk, base)
    await aclose(gateway)


TEXTS = {
    "gsm": ("Café: één à 5 €, {a} [b] ~ 50% & \"c\" 'd' + \\ |", b"text"),
    "diaeresis": ("Financiën, reünie", b"ucs-2"),
    "arabic": ("موعدك غدا في Mechelen", b"ucs-2"),
    "emoji": ("Tot straks 🙂", b"ucs-2"),
    "turkish": ("Yarın Şişli'den", b"ucs-2"),
}


async def test_every_text_arrives_as_it_was_written_and_says_so(line: Line) -> None:
    with line.kannel.centre() as got:
        for name, (text, _) in TEXTS.items():
            accepted = await line.gateway.send(line.message(name, text))
            assert accepted == Accepted("", "202 0: Accepted for delivery")
        parts = await asyncio.to_thread(got, len(TEXTS))
        assert [text_of(part) for part in parts] == [text for text, _ in TEXTS.values()]
        assert [part.split(b" ")[:3] for part in parts] == [
            [NUMBER.encode(), TO.encode(), kind] for _, kind in TEXTS.values()
        ]
        for name in TEXTS:
            await until(lambda name=name: len(line.reached(name)) == 2)
            # They may come in either order: Kannel asks for each by itself.
            assert sorted(line.reached(name)) == [(Reached.ACCEPTED, "8 ACK"), (Reached.DELIVERED, "1")]


async def test_a_long_text_comes_whole_and_no_part_cuts_through_a_character(line: Line) -> None:
    # The 67th unit would be the first half of an emoji.
    unicode, gsm = "ن" * 66 + "🙂🙂" + "x" * 10, "a" * 152 + "{" + "b" * 20
    with line.kannel.centre() as got:
        await line.gateway.send(line.message("long", unicode))
        parts = await asyncio.to_thread(got, 2)
        assert [text_of(part) for part in parts] == ["ن" * 66 + " ", "🙂🙂" + "x" * 10]
        await line.gateway.send(line.message("longer", gsm))
        parts = await asyncio.to_thread(got, 4)
        assert "".join(text_of(part, "utf-8") for part in parts[2:]) == gsm
        await until(lambda: (Reached.DELIVERED, "1") in line.reached("longer"))


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("+32470999888 8850 text JA graag", "JA graag"),
        ("+32470999888 8850 ucs2 %06F%D8%3D%DE%42", "ن🙂"),
    ],
)
async def test_a_citizen_s_message_comes_in(line: Line, sent: str, text: str) -> None:
    with line.kannel.centre(sent) as got:
        await until(lambda: line.desk.messages)
        assert line.desk.messages == [("sms", Incoming("+32470999888", text))]
        # Nothing goes back to the citizen by itself: the next that the centre gets is ours.
        await line.gateway.send(line.message("after", "ok"))
        assert [text_of(part) for part in await asyncio.to_thread(got, 1)] == ["ok"]


async def test_what_kannel_cannot_pass_on_it_keeps_and_says_so_later(line: Line) -> None:
    with line.kannel.centre():
        pass
    async with httpx.AsyncClient(trust_env=False) as asking:
        await _disconnected(asking, line)
    accepted = await line.gateway.send(line.message("kept", "straks"))
    assert accepted.code == "202 3: Queued for later delivery"
    assert line.reached("kept") == []
    with line.kannel.centre() as got:
        assert [text_of(part) for part in await asyncio.to_thread(got, 1)] == ["straks"]
        await until(lambda: (Reached.DELIVERED, "1") in line.reached("kept"))


async def test_a_wrong_password_is_for_later_and_is_not_told(line: Line) -> None:
    table = KannelTable(url=line.kannel.url, username="onthaal", password="fout-woord")
    gateway = Kannel(table, "fout-woord", NUMBER, Connections(1, 5))
    with pytest.raises(TryLater) as caught:
        await gateway.send(line.message("refused", "x"))
    assert caught.value.code == "403 Authorization failed for sendsms"
    await aclose(gateway)


async def _disconnected(asking: httpx.AsyncClient, line: Line) -> None:
    """Wait until Kannel has noticed that its centre is gone."""
    async with asyncio.timeout(10):
        while True:
            if "(online" not in (await asking.get(line.kannel.status)).text:
                return
            await asyncio.sleep(0.02)
