"""Web Push against a push service on loopback: decrypted, its proof checked, and where it never goes."""

from __future__ import annotations

import base64
import email.utils
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import http_ece
import pytest
from certificates import certified
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pushservice import Browser, PushService

from notify.channels import Message, TryLater, Undeliverable
from notify.channels import push as pushes
from notify.channels.push import Push
from notify.subscriptions import BadSubscription, read, stored
from server.channel_tables import PUSH_SERVICES, PushTable
from server.vapid import Vapid, load_vapid

HOST = "fcm.googleapis.com"
ENDPOINT = f"https://{HOST}/fcm/send/abc"
TABLE = PushTable(contact="mailto:ict@mechelen.be", timeout_s=5)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certified(tmp_path_factory.mktemp("certificates"), HOST, "web.push.apple.com")


@pytest.fixture
async def service(trust: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[PushService]:
    service = await PushService(trust[0]).start()
    yield service
    await service.close()


@pytest.fixture
def vapid(tmp_path: Path) -> Vapid:
    return load_vapid(tmp_path / "o.db")


async def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def push(
    service: PushService, vapid: Vapid, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> AsyncIterator[Push]:
    channel = Push(TABLE, vapid, resolve=here, port=service.port, trusted=trust[1])
    yield channel
    await channel.aclose()


def message(browser: Browser | None = None, endpoint: str = ENDPOINT, **more: Any) -> Message:
    given: dict[str, Any] = {
        "delivery": "d1",
        "attempt": 1,
        "to": (browser or Browser()).subscription(endpoint),
        "subject": "Bijna aan de beurt",
        "text": "Nog 2 personen vóór u.",
        "link": "https://wachten.example/t/x",
        "receipt_url": "https://wachten.example/receipts/1",
        "ttl_s": 900,
    }
    return Message(**{**given, **more})


# --- what arrives -----------------------------------------------------------------------------------


async def test_only_the_browser_can_read_what_arrives(push: Push, service: PushService) -> None:
    browser = Browser()
    accepted = await push.send(message(browser))
    assert (accepted.code, accepted.ref) == ("201", "https://push.example/m/1")
    (asked,) = service.requests
    assert asked.line == "POST /fcm/send/abc HTTP/1.1"
    assert asked.headers["host"] == HOST
    assert asked.headers["content-encoding"] == "aes128gcm"
    assert (asked.headers["ttl"], asked.headers["urgency"]) == ("900", "high")
    assert b"beurt" not in asked.body
    assert browser.read(asked.body) == {
        "title": "Bijna aan de beurt",
        "body": "Nog 2 personen vóór u.",
        "link": "https://wachten.example/t/x",
        "delivery": "d1",
        "receipt": "https://wachten.example/receipts/1",
        "language": "nl",
    }
    with pytest.raises(http_ece.ECEException):
        Browser().read(asked.body)


async def test_a_repeat_takes_the_place_of_the_first(push: Push, service: PushService) -> None:
    for each in (message(), message(attempt=2), message(delivery="d2", ttl_s=86_400)):
        await push.send(each)
    first, again, other = [asked.headers["topic"] for asked in service.requests]
    assert first == again != other
    assert len(first) == 32
    assert service.requests[2].headers["urgency"] == "normal"
    # One connection serves them all.
    assert service.connections == 1


async def test_the_push_service_can_tell_who_we_are(push: Push, service: PushService, vapid: Vapid) -> None:
    began = time.time()
    await push.send(message())
    await push.send(message(endpoint="https://web.push.apple.com/x"))
    for asked, audience in zip(
        service.requests, (f"https://{HOST}", "https://web.push.apple.com"), strict=True
    ):
        scheme, _, rest = asked.headers["authorization"].partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert (scheme, given["k"]) == ("vapid", vapid.public)
        head, claims, signature = given["t"].split(".")
        assert json.loads(_raw(head)) == {"typ": "JWT", "alg": "ES256"}
        said = json.loads(_raw(claims))
        assert (said["aud"], said["sub"]) == (audience, "mailto:ict@mechelen.be")
        assert began < said["exp"] <= began + 86_400
        r, s = _raw(signature)[:32], _raw(signature)[32:]
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _raw(given["k"]))
        signed = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        key.verify(signed, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        with pytest.raises(InvalidSignature):
            key.verify(signed, f"{head}.{claims}x".encode(), ec.ECDSA(hashes.SHA256()))


# --- what is answered -------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (413, False), (403, False)])
async def test_refused_for_good(push: Push, service: PushService, status: int, gone: bool) -> None:
    service.answer = f"{status} No"
    with pytest.raises(Undeliverable) as refused:
        await push.send(message())
    assert (refused.value.code, refused.value.gone) == (str(status), gone)


async def test_refused_for_now_with_the_wait_that_is_wished_for(push: Push, service: PushService) -> None:
    date = email.utils.formatdate(time.time() + 600, usegmt=True)
    for said, low, high in (("120", 120, 120), (date, 500, 600), ("soon", 0, 0), ("9" * 30, 86_400, 86_400)):
        service.answer = f"429 Too Many\r\nRetry-After: {said}"
        with pytest.raises(TryLater) as later:
            await push.send(message())
        assert later.value.code == "429"
        assert low <= later.value.after_s <= high
    service.answer = "503 Busy"
    with pytest.raises(TryLater, match="503"):
        await push.send(message())


async def test_a_redirect_is_not_followed(push: Push, service: PushService) -> None:
    service.answer = "307 There\r\nLocation: https://web.push.apple.com/x"
    with pytest.raises(Undeliverable, match="307"):
        await push.send(message())
    assert len(service.requests) == 1


async def test_nonsense_silence_and_nobody(
    push: Push, service: PushService, vapid: Vapid, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    service.answer = "hello?"
    with pytest.raises(TryLater, match="no-connection"):
        await push.send(message())
    service.answer = ""
    quick = PushTable(contact=TABLE.contact, timeout_s=1)
    silent = Push(quick, vapid, resolve=here, port=service.port, trusted=trust[1])
    with pytest.raises(TryLater, match="timeout"):
        await silent.send(message())
    await silent.aclose()
    # A certificate that the machine does not trust.
    stranger = Push(TABLE, vapid, resolve=here, port=service.port)
    with pytest.raises(TryLater, match="no-connection"):
        await stranger.send(message())
    await stranger.aclose()


async def test_what_is_too_long_is_said_before_it_is_sent(push: Push, service: PushService) -> None:
    with pytest.raises(Undeliverable, match="too-long"):
        await push.send(message(text="x" * 4000))
    await push.send(message(text="x" * 3700))
    assert len(service.requests) == 1
    assert len(service.requests[0].body) <= 4096


# --- where it never goes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://evil.example/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilfcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com@127.0.0.1/x",
        "https://127.0.0.1\\@fcm.googleapis.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://push.apple.com.evil/x",
        "https://push.apple.com/x",
        "https://fcm.googleapis.com/x\r\nHost: inside",
        "https://fcm.googleapis.com/" + "x" * 2000,
        "",
    ],
)
async def test_an_address_that_is_no_push_service_s(push: Push, service: PushService, endpoint: str) -> None:
    with pytest.raises(BadSubscription, match="endpoint"):
        read(Browser().subscription(endpoint), PUSH_SERVICES)
    with pytest.raises(Undeliverable, match="bad-subscription"):
        await push.send(message(endpoint=endpoint))
    assert service.connections == 0


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ("", ""),
        ("[]", ""),
        ("{}", ""),
        (json.dumps({"endpoint": ENDPOINT, "keys": {"p256dh": "x", "auth": "y"}}), "keys.p256dh"),
        (json.dumps({"endpoint": ENDPOINT, "keys": {**Browser().keys, "auth": "AAAA"}}), "keys.auth"),
        (
            json.dumps({"endpoint": ENDPOINT, "keys": {**Browser().keys, "p256dh": "B" + "A" * 86}}),
            "keys.p256dh",
        ),
        (json.dumps({"endpoint": 5, "keys": Browser().keys}), "endpoint"),
    ],
)
def test_what_is_no_subscription(raw: str, field: str) -> None:
    with pytest.raises(BadSubscription) as refused:
        read(raw, PUSH_SERVICES)
    assert refused.value.field == field


def test_what_is_kept_reads_the_same() -> None:
    for endpoint in (ENDPOINT, "https://updates.push.services.mozilla.com/wpush/v2/x"):
        found = read(Browser().subscription(endpoint), PUSH_SERVICES)
        assert read(stored(found), PUSH_SERVICES) == found


async def test_a_name_that_leads_inside_is_not_connected_to(
    service: PushService, vapid: Vapid, trust: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: Any
) -> None:
    def lies(*_given: Any, **_named: Any) -> Any:
        return [(2, 1, 6, "", ("142.250.74.10", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", lies)
    channel = Push(TABLE, vapid, port=service.port, trusted=trust[1])
    with pytest.raises(Undeliverable, match="private-address") as refused:
        await channel.send(message())
    assert refused.value.gone is False
    await channel.aclose()
    assert service.connections == 0


async def test_it_connects_to_the_very_address_that_was_checked(
    service: PushService, vapid: Vapid, trust: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: Any
) -> None:
    """A name that resolves to something else a moment later leads nowhere."""
    asked: list[str] = []
    true = socket.getaddrinfo

    def noting(host: str, *given: Any, **named: Any) -> Any:
        asked.append(host)
        return true(host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", noting)
    channel = Push(TABLE, vapid, resolve=here, port=service.port, trusted=trust[1])
    await channel.send(message())
    await channel.aclose()
    assert HOST not in asked


async def test_encrypting_takes_no_time_worth_a_thread(push: Push) -> None:
    browser = Browser()
    given = message(browser)
    subscription = read(given.to, PUSH_SERVICES)
    took = []
    for _ in range(50):
        began = time.perf_counter()
        push._encrypted(subscription, given)
        took.append(time.perf_counter() - began)
    assert sorted(took)[25] < 0.005
    assert pushes.PAYLOAD_BYTES == 3993


def _raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
