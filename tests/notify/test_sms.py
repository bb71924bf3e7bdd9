"""The three SMS gateways at the wire: what they are asked, and what their answers are taken for."""

from __future__ import annotations

import base64
import json
import logging
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from loopback import Gateway as Peer
from loopback import listening, reply

from notify.channels import Accepted, Gateway, Message, TryLater, Undeliverable
from notify.channels.exchange import CODE_CHARACTERS, told
from notify.channels.sms import aclose, channel
from notify.channels.sms_kannel import whole_pairs
from server import settings
from server.channel_tables import ConfigError
from server.config_tables import Place
from server.sms_tables import SmsTable, read_sms

ROOT = Path(__file__).resolve().parents[2]
PRESETS = ROOT / "config" / "gateways"

NUMBER = "+32470123456"
TEXT = 'Mechelen: "Tot straks", zegt {to} & {key} \\ bij 50% \n Ünal €'
SECRET = "geheim&woord"
SID = "SM" + "0123456789abcdef" * 2

MESSAGE = Message(
    delivery="d-0001",
    attempt=1,
    to=NUMBER,
    text=TEXT,
    receipt_url="https://wachten.example.be/gateways/sms/receipts/d-0001/mac",
    ttl_s=600,
)

KANNEL = """
gateway = "kannel"
sender = "Mechelen"
timeout_s = 1
[kannel]
url = "{url}/cgi-bin/sendsms?account=hal"
username = "onthaal"
password = "geheim&woord"
"""

TWILIO = """
gateway = "twilio"
sender = "+32460000001"
timeout_s = 1
[twilio]
url = "{url}"
account = "AC1"
token = "geheim&woord"
"""

HTTP = """
gateway = "http"
sender = "Mechelen"
timeout_s = 1
[http]
url = "{url}/send?v=2"
key = "geheim&woord"
idempotency_header = "Idempotency-Key"
[http.headers]
Authorization = "Key {{key}}"
[http.query]
lang = "{{language}}"
[http.json]
to = ["{{to}}"]
plain = "{{digits}}"
body = {{ text = "van {{sender}}: {{text}}", parts = 8, long = true }}
ref = "{{reference}}"
back = "{{callback}}"
[http.answer]
reference = "messages.0.id"
state = "messages.0.code"
accepted = ["0"]
try_later = ["9"]
undeliverable = ["5"]
"""

TAKEN = {
    KANNEL: reply(202, "0: Accepted for delivery"),
    TWILIO: reply(201, json.dumps({"sid": SID, "status": "queued", "error_code": None})),
    HTTP: reply(200, json.dumps({"messages": [{"id": 71, "code": 0}]})),
}
EACH = pytest.mark.parametrize("written", [KANNEL, TWILIO, HTTP], ids=["kannel", "twilio", "http"])


def table(written: str, url: str = "http://127.0.0.1:1") -> SmsTable:
    """``[channels.sms]`` as it is written."""
    read = read_sms(tomllib.loads(written.format(url=url)), Place("house.toml", "channels.sms"), PRESETS)
    assert read is not None
    return read


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """The other side."""
    async with listening() as listener:
        yield listener


@pytest.fixture
async def made(peer: Peer) -> AsyncIterator[Callable[[str], Gateway]]:
    """Makes a gateway of its settings, at the other side's address."""
    gateways = []

    def make(written: str) -> Gateway:
        # Less than settings may say: what waits for it is a test.
        gateway = channel(msgspec.structs.replace(table(written, peer.url), timeout_s=0.3))
        assert gateway is not None
        gateways.append(gateway)
        return gateway

    yield make
    for gateway in gateways:
        await aclose(gateway)


# --- what they are asked ------------------------------------------------------------------------


async def test_kannel_is_asked_as_its_sendsms_wants_it(peer: Peer, made: Callable[[str], Gateway]) -> None:
    peer.answer = TAKEN[KANNEL]
    assert await made(KANNEL).send(MESSAGE) == Accepted("", "202 0: Accepted for delivery")
    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("GET", "/cgi-bin/sendsms")
    assert asked.query == {
        "account": "hal",
        "username": "onthaal",
        "password": SECRET,
        "from": "Mechelen",
        "to": NUMBER,
        "text": TEXT,
        "coding": "0",
        "charset": "UTF-8",
        "validity": "10",
        "dlr-mask": "31",
        "dlr-url": MESSAGE.receipt_url + "?state=%d&answer=%A",
    }


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("Café à 5 € {}[]~^|\\", "0"),
        ("reünie", "0"),
        ("Financiën", "2"),
        ("`", "2"),
        ("موعد", "2"),
        ("🙂", "2"),
    ],
)
async def test_kannel_is_told_of_letters_that_the_gsm_alphabet_has_not(
    text: str, coding: str, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = TAKEN[KANNEL]
    await made(KANNEL).send(replace(MESSAGE, text=text, receipt_url=""))
    query = peer.asked[0].query
    assert (query["text"], query["coding"], query["charset"]) == (text, coding, "UTF-8")
    assert not query.keys() & {"dlr-url", "dlr-mask"}


async def test_twilio_is_asked_as_its_messages_want_it(peer: Peer, made: Callable[[str], Gateway]) -> None:
    peer.answer = TAKEN[TWILIO]
    assert await made(TWILIO).send(MESSAGE) == Accepted(SID, "201 queued")
    (asked,) = peer.asked
    assert (asked.method, asked.target) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:geheim&woord").decode()
    assert asked.form == {
        "To": NUMBER,
        "From": "+32460000001",
        "Body": TEXT,
        "ValidityPeriod": "600",
        "StatusCallback": MESSAGE.receipt_url,
    }


async def test_a_template_is_filled_in_and_nothing_in_a_message_changes_it(
    peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = TAKEN[HTTP]
    assert await made(HTTP).send(MESSAGE) == Accepted("71", "200 0")
    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("POST", "/send")
    assert asked.query == {"v": "2", "lang": "nl"}
    assert asked.headers["authorization"] == f"Key {SECRET}"
    assert asked.headers["idempotency-key"] == "d-0001"
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {
        "to": [NUMBER],
        "plain": "32470123456",
        "body": {"text": f"van Mechelen: {TEXT}", "parts": 8, "long": True},
        "ref": "d-0001",
        "back": MESSAGE.receipt_url,
    }


async def test_a_form_is_encoded_and_a_user_named(peer: Peer, made: Callable[[str], Gateway]) -> None:
    written = """
gateway = "http"
sender = "8850"
two_way = true
[http]
url = "{url}/"
user = "hal"
key = "geheim&woord"
[http.form]
number = "{{to}}"
message = "{{text}}"
"""
    peer.answer = reply(200)
    assert await made(written).send(MESSAGE) == Accepted("", "200")
    (asked,) = peer.asked
    assert asked.form == {"number": NUMBER, "message": TEXT}
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"hal:geheim&woord").decode()


PRESET_BODIES = {
    "cm": {
        "messages": {
            "authentication": {"producttoken": "sleutel"},
            "msg": [
                {
                    "from": "Mechelen",
                    "to": [{"number": "0032470123456"}],
                    "body": {"type": "auto", "content": TEXT},
                    "minimumNumberOfMessageParts": 1,
                    "maximumNumberOfMessageParts": 8,
                    "reference": "d-0001",
                }
            ],
        }
    },
    "ringring": {"apiKey": "sleutel", "to": "32470123456", "message": TEXT, "reference": "d-0001"},
    "spryng": {
        "body": TEXT,
        "encoding": "auto",
        "originator": "Mechelen",
        "recipients": ["32470123456"],
        "reference": "d-0001",
        "route": "business",
    },
}
PRESET_ANSWERS = {
    "cm": ({"details": "Created 1 message(s)", "errorCode": 0}, ""),
    "ringring": ({"ResultCode": 0, "MessageId": "r-1"}, "r-1"),
    "spryng": ({"id": "s-1"}, "s-1"),
}


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.toml")))
async def test_a_preset_s_request_is_whole_and_one_s_own_keys_stand_before_it(
    name: str, peer: Peer, made: Callable[[str], Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "sleutel")
    written = f'gateway = "http"\nsender = "Mechelen"\n[http]\npreset = "{name}"\nkey = "$GATEWAY_KEY"\n'
    assert table(written).http.url.startswith("https://")  # type: ignore[union-attr]
    answer, ref = PRESET_ANSWERS[name]
    peer.answer = reply(200, json.dumps(answer))
    accepted = await made(written + 'url = "{url}/mine"\n').send(MESSAGE)
    assert accepted.ref == ref
    (asked,) = peer.asked
    assert (asked.method, asked.path) == ("POST", "/mine")
    assert json.loads(asked.body) == PRESET_BODIES[name]
    assert asked.headers.get("authorization") == ("Bearer sleutel" if name == "spryng" else None)


# --- what their answers are taken for -----------------------------------------------------------


async def failed(gateway: Gateway, message: Message = MESSAGE) -> TryLater | Undeliverable:
    with pytest.raises((TryLater, Undeliverable)) as caught:
        await gateway.send(message)
    assert isinstance(caught.value, TryLater | Undeliverable)
    return caught.value


@EACH
@pytest.mark.parametrize(
    ("answer", "code", "after_s"),
    [
        (reply(500, "<h1>oops</h1>"), "500", 0),
        (reply(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), "503", 0),
        (reply(429, '{"code": 20429}', Retry_After="7"), "429", 7),
        (reply(429, Retry_After="999999999"), "429", 3600),
        (reply(429, Retry_After="soon"), "429", 0),
        (reply(302, Location="http://127.0.0.1:1/elsewhere"), "302", 0),
        (reply(401, "who are you"), "401", 0),
        (reply(404, "<html>"), "404", 0),
        (b"", "no whole answer", 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf", "no whole answer", 0),
        (b"SMTP ready\r\n\r\n", "no whole answer", 0),
        (reply(200, b"x" * 70_000), "200 too long", 0),
    ],
)
async def test_what_is_not_about_the_message_is_for_later(
    written: str, answer: bytes, code: str, after_s: float, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = answer
    error = await failed(made(written))
    assert isinstance(error, TryLater)
    assert error.code.startswith(code)
    assert error.after_s == after_s
    assert len(peer.asked) == 1


@EACH
async def test_silence_is_for_later_within_the_timeout(
    written: str, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = None
    error = await failed(made(written))
    assert isinstance(error, TryLater)
    assert error.code == "no answer in time"


@EACH
async def test_nobody_there_is_for_later(written: str) -> None:
    gateway = channel(table(written))
    assert gateway is not None
    error = await failed(gateway)
    assert isinstance(error, TryLater)
    assert error.code == "not reached"
    await aclose(gateway)


@EACH
@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"\xff\xfe", b"[[[[", b"", b'{"messages": 5}'])
async def test_a_success_that_says_nothing_known_is_for_later(
    written: str, body: bytes, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = reply(200, body)
    assert isinstance(await failed(made(written)), TryLater)


@EACH
async def test_what_the_gateway_will_not_take_is_undeliverable(
    written: str, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = reply(400, "Number(s) has/have been denied by white- and/or black-lists.")
    error = await failed(made(written))
    assert isinstance(error, Undeliverable)
    assert error.code.startswith("400")
    assert not error.gone


@EACH
async def test_a_code_is_short_and_has_neither_number_nor_secret_nor_text(
    written: str, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    said = f"no: {SECRET} geheim%26woord +32470123456 0032470123456 0470/12.34.56 {TEXT} {'x' * 900}"
    for status in (400, 500):
        # One that reads JSON finds it in the message, the others in the body itself.
        peer.answer = reply(status, json.dumps({"code": 1, "message": said}) if written is TWILIO else said)
        code = (await failed(made(written))).code
        assert len(code) <= CODE_CHARACTERS
        assert code.startswith(str(status))
        assert "xxx" in code
        for private in ("geheim", "470123456", "12.34.56", "Tot straks", "Ünal"):
            assert private not in code


def test_what_is_hidden_is_so_in_every_spelling() -> None:
    said = 'a "b" & c | a%20%22b%22%20%26%20c | a \\"b\\" & c | a &quot;b&quot; &amp; c | (0032) 470 12 34 56'
    assert told(said, NUMBER, ['a "b" & c']) == "… | … | … | … | …"
    assert told("400 21211 invalid", NUMBER) == "400 21211 invalid"
    assert told("1\r\n2\x00\x1b[31m3") == "1 2 [31m3"


@EACH
async def test_nothing_of_a_message_is_written_to_the_log(
    written: str, peer: Peer, made: Callable[[str], Gateway], caplog: pytest.LogCaptureFixture
) -> None:
    gateway = made(written)
    # As the server logs. Clients are fond of writing every address there.
    with caplog.at_level(logging.INFO):
        peer.answer = TAKEN[written]
        await gateway.send(MESSAGE)
        peer.answer = reply(500)
        await failed(gateway)
    assert len(peer.asked) == 2
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("status", "code", "kind", "gone"),
    [
        (400, 21211, Undeliverable, True),
        (400, 21614, Undeliverable, True),
        (400, 21610, Undeliverable, False),
        (400, 21408, Undeliverable, False),
        (400, 21602, Undeliverable, False),
        (400, 21606, TryLater, None),
        (401, 20003, TryLater, None),
        (429, 20429, TryLater, None),
        (400, 20429, TryLater, None),
        (503, 21211, TryLater, None),
    ],
)
async def test_twilio_s_codes(
    status: int, code: int, kind: type, gone: bool | None, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = reply(status, json.dumps({"code": code, "message": f"To {NUMBER}", "status": status}))
    error = await failed(made(TWILIO))
    assert type(error) is kind
    assert error.code.startswith(f"{status} {code} To")
    assert getattr(error, "gone", None) is gone


async def test_twilio_may_refuse_in_a_success(peer: Peer, made: Callable[[str], Gateway]) -> None:
    peer.answer = reply(201, json.dumps({"sid": SID, "status": "failed", "error_code": 21211}))
    error = await failed(made(TWILIO))
    assert isinstance(error, Undeliverable)
    assert (error.code, error.gone) == ("201 failed 21211", True)


@pytest.mark.parametrize(
    ("status", "state", "kind"),
    [
        (200, "9", TryLater),
        (200, 5, Undeliverable),
        (400, 9, TryLater),
        (200, 77, TryLater),
        (500, 5, TryLater),
    ],
)
async def test_the_states_of_an_answer_are_those_of_the_settings(
    status: int, state: object, kind: type, peer: Peer, made: Callable[[str], Gateway]
) -> None:
    peer.answer = reply(status, json.dumps({"messages": [{"code": state}]}))
    error = await failed(made(HTTP))
    assert type(error) is kind
    assert error.code == f"{status} {state}"


# --- parts --------------------------------------------------------------------------------------


def parts(text: str) -> list[bytes]:
    raw = text.encode("utf-16-be")
    size = 140 if len(raw) <= 140 else 134
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@pytest.mark.parametrize("before", range(60, 75))
def test_no_part_begins_or_ends_within_a_character(before: int) -> None:
    text = "ن" * before + "🙂🙃" * 40
    for part in parts(whole_pairs(text)):
        part.decode("utf-16-be")
    assert whole_pairs(text).replace(" ", "") == text


def test_a_text_that_fits_is_left_alone() -> None:
    for text in ("ن" * 66 + "🙂🙂", "ن" * 200, "", "🙂" * 33):
        assert whole_pairs(text) == text


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('gateway = "kanel"', 'gateway: "kanel" is none of the choices (nearest valid name: "kannel")'),
        ('gateway = "console"\nsendr = "x"', 'sendr: unknown key (nearest valid name: "sender")'),
        ('gateway = "console"\nkannel = 5', "kannel: must be a table"),
        (
            'gateway = "kannel"\nsender = "M"\n[kannel]\nusername = "u"\npasword = "p"',
            'kannel.pasword: unknown key (nearest valid name: "password")',
        ),
        ('gateway = "kannel"\nsender = "M"', 'kannel: is missing, and the gateway is "kannel"'),
        (
            'gateway = "kannel"\n[kannel]\nusername = "u"\npassword = "p"',
            "sender: is missing: a name of at most 11 letters and digits, a number or a short code",
        ),
        (
            'gateway = "console"\nsender = "Stad Mechelen"',
            'sender: "Stad Mechelen" is neither a name of at most 11 letters and digits nor a number',
        ),
        (
            'gateway = "console"\nsender = "Mechelen"\ntwo_way = true',
            'two_way: is set, but nobody can reply to "Mechelen", which is a name: '
            "send from a number or short code, or set it to false",
        ),
        ('gateway = "console"\npart_price = 65', "part_price: must be at most 10"),
        ('gateway = "console"\nat_once = 0', "at_once: must be at least 1"),
        (
            'gateway = "console"\n[http]\npreset = "ringrng"',
            'http.preset: there are no settings for "ringrng" (nearest valid name: "ringring")',
        ),
        (
            'gateway = "console"\n[http]\npreset = "../mechelen"',
            'http.preset: there are no settings for "../mechelen" (valid names: cm, ringring, spryng)',
        ),
        ('gateway = "console"\n[http]\npreset = "cm"', "http.key: is missing, and the request holds {key}"),
        (
            'gateway = "console"\n[http]\nurl = "http://sms.example.be"',
            "http.url: must begin with https://: people's numbers and a key go there",
        ),
        (
            'gateway = "console"\n[http]\nurl = "sms.example.be"',
            'http.url: "sms.example.be" is no address that begins with https:// or http://',
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be/x y"',
            'http.url: "https://a.be/x y" is no address that begins with https:// or http://',
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\njson = { a = [ { b = "{txt}" } ] }',
            'http.json.a[0].b: there is no placeholder {txt} (nearest valid name: "text")',
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\njson = { a = "{text}" }',
            "http: sends nothing to nobody: {text}, and {to} or {digits}, must stand in query, form or json",
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\njson = { a = "{text}{to}" }\n'
            'form = { a = "b" }',
            "http.form: stands beside json: a request has one body",
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\nmethod = "GET"\njson = { a = "{text}{to}" }',
            "http.method: a GET has no body: put what it says into query",
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\njson = { a = "{text}{to}" }\n'
            'headers = { "x\\r\\ny" = "1" }',
            'http.headers: "x\r\ny" is no header',
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\njson = { a = "{text}{to}" }\n'
            'headers = { X = "{text}" }',
            "http.headers.X: {text} may not stand in a header: such are written to logs",
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\n[http.answer]\nrefrence = "x"',
            'http.answer.refrence: unknown key (nearest valid name: "reference")',
        ),
        (
            'gateway = "console"\n[http]\nurl = "https://a.be"\njson = { a = "{text}{to}" }\n'
            '[http.signature]\nheader = "X-Sig"',
            "http.signature.key: is missing, and signature.header is set",
        ),
        (
            'gateway = "twilio"\nsender = "M"\n[twilio]\naccount = "AC"\ntoken = "t"\nurl = "http://x.be"',
            "twilio.url: must begin with https://: people's numbers and a key go there",
        ),
    ],
)
def test_settings_that_cannot_be_used_stop_the_start(written: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_sms(tomllib.loads(written), Place("house.toml", "channels.sms"), PRESETS)
    assert str(caught.value) == f"house.toml: channels.sms.{said}"


def test_a_file_with_a_wrong_channel_is_refused_as_a_whole() -> None:
    text = (ROOT / "config/mechelen.toml").read_text()
    with pytest.raises(ConfigError, match=r"^x: channels\.sms\.gateway: is missing$"):
        settings.load_text(text + '\n[channels.sms]\nsender = "x"\n', "x")


def test_a_secret_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KANNEL_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="KANNEL_PASSWORD is not in the environment"):
        channel(table(KANNEL.replace("geheim&woord", "$KANNEL_PASSWORD")))


async def test_the_console_is_no_gateway() -> None:
    assert channel(table('gateway = "console"')) is None
    await aclose(None)
