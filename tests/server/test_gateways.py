"""The addresses at which gateways call back: who may, what is handed on, and what is answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from callbacks import KEYS, Desk, application
from click.testing import CliRunner
from documented import check_problem
from loopback import serving, until

from notify.channels import (
    Accepted,
    Callback,
    Forged,
    Gateway,
    Incoming,
    Message,
    Nonsense,
    Reached,
    Receipt,
    addresses,
)
from notify.channels.exchange import Line
from notify.channels.sms_kannel import Kannel
from notify.channels.sms_twilio import Twilio
from server.__main__ import cli
from server.database import Unavailable
from server.keys import Keys
from server.sms_tables import KannelTable, TwilioTable

PUBLIC = "https://wachten.example.be"
OF_ALL = KEYS.gateway_mac("sms")
OF_ONE = f"/gateways/sms/receipts/d-1/{KEYS.receipt_mac('d-1')}"
RECEIPTS = f"/gateways/sms/receipts/{OF_ALL}"
INCOMING = f"/gateways/sms/incoming/{OF_ALL}"


@dataclass
class Plain:
    """A gateway that keeps its calls, and says what it is told to."""

    calls: list[Callback] = field(default_factory=list)
    fail: Exception | None = None

    async def send(self, message: Message) -> Accepted:
        raise AssertionError

    def receipts(self, callback: Callback) -> list[Receipt]:
        self.calls.append(callback)
        if self.fail is not None:
            raise self.fail
        return [Receipt(callback.delivery or "named", Reached.DELIVERED, "1")]

    def incoming(self, callback: Callback) -> list[Incoming]:
        self.receipts(callback)
        return [Incoming("+32470123456", "JA"), Incoming("+32470123457", "NEE")]


@dataclass
class House:
    """The addresses, served; ``ask`` is who calls them."""

    ask: httpx.AsyncClient
    desk: Desk
    plain: Plain


@pytest.fixture
async def house() -> AsyncIterator[House]:
    desk, plain = Desk(), Plain()
    gateways: dict[str, Gateway] = {"sms": plain}
    async with (
        serving(application(desk, PUBLIC, gateways)) as base,
        httpx.AsyncClient(base_url=base, trust_env=False) as ask,
    ):
        yield House(ask, desk, plain)


def test_the_addresses_to_register_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONTHAAL_KEY", bytes(range(32)).hex())
    database = f"sqlite:///{tmp_path}/onthaal.db"
    told = CliRunner().invoke(cli, ["gateways", "--public-url", PUBLIC + "/", "--database", database])
    assert told.exit_code == 0
    assert told.stdout == f"receipts\t{PUBLIC}{RECEIPTS}\nincoming\t{PUBLIC}{INCOMING}\n"


def test_an_address_has_128_bits_that_only_the_key_can_make() -> None:
    for make in (Keys.receipt_mac, Keys.gateway_mac):
        macs = [make(KEYS, "sms"), make(KEYS, "mail"), make(Keys(bytes(32)), "sms")]
        assert len(set(macs)) == 3
        assert {len(base64.urlsafe_b64decode(mac + "==")) * 8 for mac in macs} == {128}
    # One kind of address is never another's.
    assert KEYS.receipt_mac("sms") != KEYS.gateway_mac("sms")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_receipt_at_its_delivery_s_address_is_handed_on_each_time(house: House, method: str) -> None:
    for _ in range(2):
        answer = await house.ask.request(method, OF_ONE + "?state=1&answer=a%26b")
        # Anything else in the answer Kannel would send to the citizen.
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["cache-control"] == "no-store"
    assert house.desk.receipts == [Receipt("d-1", Reached.DELIVERED, "1")] * 2
    call = house.plain.calls[0]
    assert (call.method, call.delivery) == (method, "d-1")
    assert call.url == PUBLIC + OF_ONE + "?state=1&answer=a%26b"
    assert call.query == {"state": "1", "answer": "a&b"}


async def test_at_the_address_for_all_the_call_names_its_deliveries(house: House) -> None:
    answer = await house.ask.post(RECEIPTS, content=b"body", headers={"X-Sig": "s"})
    assert answer.status_code == 200
    (call,) = house.plain.calls
    assert (call.delivery, call.body, call.headers["x-sig"]) == ("", b"body", "s")
    assert house.desk.receipts == [Receipt("named", Reached.DELIVERED, "1")]


async def test_citizens_messages_are_handed_on_with_their_channel(house: House) -> None:
    answer = await house.ask.get(INCOMING)
    assert (answer.status_code, answer.content) == (200, b"")
    assert house.desk.messages == [
        ("sms", Incoming("+32470123456", "JA")),
        ("sms", Incoming("+32470123457", "NEE")),
    ]


async def test_the_addresses_are_those_that_are_told_to_gateways(house: House) -> None:
    told = [
        addresses.of_delivery(KEYS, PUBLIC, "sms", "d-1"),
        addresses.of_receipts(KEYS, PUBLIC, "sms"),
        addresses.of_incoming(KEYS, PUBLIC, "sms"),
    ]
    assert told == [PUBLIC + path for path in (OF_ONE, RECEIPTS, INCOMING)]


NOBODY_S = (
    f"/gateways/sms/receipts/d-2/{KEYS.receipt_mac('d-1')}",
    f"/gateways/sms/receipts/d-1/{OF_ALL}",
    f"/gateways/sms/receipts/d-1/{KEYS.receipt_mac('d-1')[:-1]}",
    "/gateways/sms/receipts/d-1/%C3%A9",
    "/gateways/sms/receipts/%FF%00/%FF",
    f"/gateways/sms/receipts/{KEYS.receipt_mac('d-1')}",
    f"/gateways/sms/receipts/{KEYS.gateway_mac('push')}",
    f"/gateways/sms/incoming/{KEYS.gateway_mac('mail')}",
    f"/gateways/sms/incoming/{KEYS.receipt_mac('sms')}",
    f"/gateways/push/receipts/{KEYS.gateway_mac('push')}",
    f"/gateways/push/receipts/d-1/{KEYS.receipt_mac('d-1')}",
    f"/gateways/push/incoming/{KEYS.gateway_mac('push')}",
)


async def test_an_address_that_was_told_to_nobody_is_none(house: House) -> None:
    for path in NOBODY_S:
        for method in ("GET", "POST", "HEAD"):
            answer = await house.ask.request(method, path)
            assert answer.status_code == 404, path
            if method != "HEAD":
                problem = check_problem(answer, 404, "not-found")
                assert problem["detail"] == "There is nothing at this address."
    assert house.plain.calls == house.desk.receipts == house.desk.messages == []


async def test_a_head_changes_nothing(house: House) -> None:
    for path in (OF_ONE, RECEIPTS, INCOMING):
        assert (await house.ask.head(path)).status_code == 405
    assert house.plain.calls == []


async def test_what_is_forged_or_nonsense_is_told_and_not_handed_on(house: House) -> None:
    for path in (OF_ONE, RECEIPTS, INCOMING):
        house.plain.fail = Forged()
        check_problem(await house.ask.post(path), 403, "forged")
        house.plain.fail = Nonsense("state is missing")
        problem = check_problem(await house.ask.get(path), 400, "nonsense")
        assert problem["detail"] == "This call cannot be read: state is missing."
    assert house.desk.receipts == house.desk.messages == []


async def test_a_body_has_a_bound(house: House) -> None:
    for path in (OF_ONE, RECEIPTS, INCOMING):
        check_problem(await house.ask.post(path, content=b"x" * 70_000), 413, "body-too-large")
    assert house.plain.calls == []


async def test_what_cannot_be_taken_now_is_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (OF_ONE, INCOMING):
        house.desk.fail = Unavailable("busy")
        check_problem(await house.ask.get(path), 503, "unavailable")
    house.desk.fail = None
    monkeypatch.setattr("server.web.gateways.HANDED_ON_S", 0.05)
    house.desk.stuck = True
    check_problem(await house.ask.get(OF_ONE), 503, "unavailable")
    house.desk.stuck = False
    assert (await house.ask.get(OF_ONE)).status_code == 200
    assert len(house.desk.receipts) == 1


# --- with the gateways themselves ---------------------------------------------------------------


@pytest.fixture
async def real() -> AsyncIterator[House]:
    desk = Desk()
    kannel = Kannel(KannelTable(username="u", password="p"), "p", "8850", Line(1, 1))
    twilio = Twilio(TwilioTable(account="AC1", token="t"), "geheim", "8850", Line(1, 1))
    gateways: dict[str, Gateway] = {"kannel": kannel, "sms": twilio}
    async with (
        serving(application(desk, PUBLIC, gateways)) as base,
        httpx.AsyncClient(base_url=base, trust_env=False) as ask,
    ):
        yield House(ask, desk, Plain())


async def test_twilio_signs_the_address_as_it_was_told(real: House) -> None:
    fields = {"MessageStatus": "delivered", "To": "+32470123456"}
    signed = PUBLIC + OF_ONE + "".join(name + fields[name] for name in sorted(fields))
    mac = hmac.new(b"geheim", signed.encode(), hashlib.sha1).digest()
    headers = {"X-Twilio-Signature": base64.b64encode(mac).decode()}
    assert (await real.ask.post(OF_ONE, data=fields, headers=headers)).status_code == 200
    assert real.desk.receipts == [Receipt("d-1", Reached.DELIVERED, "delivered")]
    forged = await real.ask.post(OF_ONE, data=fields | {"MessageStatus": "failed"}, headers=headers)
    check_problem(forged, 403, "forged")
    check_problem(await real.ask.post(OF_ONE, data=fields), 403, "forged")
    assert len(real.desk.receipts) == 1


async def test_receipts_of_kannel_late_twice_and_out_of_order_are_all_handed_on(
    real: House, caplog: pytest.LogCaptureFixture
) -> None:
    path = OF_ONE.replace("/sms/", "/kannel/")
    with caplog.at_level(logging.DEBUG, "onthaal"):
        for state in ("1", "8", "8", "2", "1"):
            query = urlencode({"state": state, "answer": "+32470123456"})
            assert (await real.ask.get(f"{path}?{query}")).status_code == 200
        check_problem(await real.ask.get(path), 400, "nonsense")
    reached = [receipt.reached for receipt in real.desk.receipts]
    assert reached == ["delivered", "accepted", "accepted", "failed", "delivered"]
    assert "470123456" not in caplog.text


async def test_a_body_that_stops_coming_holds_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.endpoint.BODY_S", 0.05)
    with socket.create_connection((house.ask.base_url.host, house.ask.base_url.port or 0)) as slow:
        slow.setblocking(False)
        head = f"POST {RECEIPTS} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"
        slow.sendall(head.encode())
        got = bytearray()

        def answered() -> bool:
            try:
                got.extend(slow.recv(4096))
            except BlockingIOError:
                return False
            return bool(got)

        await until(answered)
    assert got.startswith(b"HTTP/1.1 408")
    assert house.plain.calls == []
