"""What gateways call back with: receipts, messages of citizens, forgeries and nonsense."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tomllib
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from notify.channels import Callback, Forged, Gateway, Incoming, Nonsense, Reached, Receipt
from notify.channels.sms import channel
from server.config_tables import Place
from server.sms_tables import read_sms

PRESETS = Path(__file__).resolve().parents[2] / "config" / "gateways"
TOKEN = "geheim"
BASE = "https://wachten.example.be"
URL = f"{BASE}/gateways/sms/receipts/d-1/mac"

KANNEL = 'gateway = "kannel"\nsender = "8850"\n[kannel]\nusername = "u"\npassword = "p"'
TWILIO = 'gateway = "twilio"\nsender = "8850"\n[twilio]\naccount = "AC1"\ntoken = "geheim"'
HTTP = """
gateway = "http"
sender = "8850"
[http]
url = "https://sms.example.be"
json = { to = "{to}", text = "{text}" }
[http.receipts]
items = "events"
reference = "ref"
state = "status.code"
detail = "status.why"
accepted = ["0"]
delivered = ["2", "read"]
failed = ["3"]
[http.incoming]
sender = "from"
text = "text"
"""


def gateway(written: str) -> Gateway:
    table = read_sms(tomllib.loads(written), Place("x", "channels.sms"), PRESETS)
    assert table is not None
    made = channel(table)
    assert made is not None
    return made


def get(query: dict[str, str], delivery: str = "d-1", url: str = URL, **headers: str) -> Callback:
    whole = f"{url}?{urlencode(query)}"
    return Callback(method="GET", url=whole, query=query, headers=headers, body=b"", delivery=delivery)


def post(
    body: bytes, kind: str = "application/json", delivery: str = "d-1", url: str = URL, **headers: str
) -> Callback:
    given = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Callback(method="POST", url=url, query={}, headers=given, body=body, delivery=delivery)


FORM = "application/x-www-form-urlencoded"


# --- Kannel -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "answer", "reached", "code"),
    [
        ("8", "ACK/", Reached.ACCEPTED, "8 ACK"),
        ("1", "", Reached.DELIVERED, "1"),
        ("4", "", Reached.ACCEPTED, "4"),
        ("2", "", Reached.FAILED, "2"),
        ("16", "NACK/0x0000000b/Invalid Destination", Reached.FAILED, "16 NACK 0x0000000b"),
        (
            "2",
            "id:77 sub:001 dlvrd:000 submit date:1 done date:2 stat:UNDELIV err:001 text:Uw afspraak bij",
            Reached.FAILED,
            "2 UNDELIV 001",
        ),
        ("1", "id:7 stat:DELIVRD text:Dag +32470123456", Reached.DELIVERED, "1 DELIVRD"),
        ("1", "Uw afspraak 0470123456", Reached.DELIVERED, "1"),
    ],
)
def test_kannel_s_states(state: str, answer: str, reached: Reached, code: str) -> None:
    found = gateway(KANNEL).receipts(get({"state": state, "answer": answer}))
    assert found == [Receipt("d-1", reached, code)]


def test_receipts_late_twice_and_out_of_order_are_handed_on_as_they_are() -> None:
    kannel = gateway(KANNEL)
    found = [kannel.receipts(get({"state": state}))[0].reached for state in ("1", "8", "1", "2", "8")]
    assert found == ["delivered", "accepted", "delivered", "failed", "accepted"]


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"state": "3"}, {"state": "%d"}, {"state": "1 "}])
def test_a_receipt_of_kannel_without_a_state_is_nonsense(query: dict[str, str]) -> None:
    with pytest.raises(Nonsense, match="state"):
        gateway(KANNEL).receipts(get(query))


def test_a_receipt_of_kannel_that_names_no_delivery_is_nonsense() -> None:
    with pytest.raises(Nonsense, match="address of its delivery"):
        gateway(KANNEL).receipts(get({"state": "1"}, delivery=""))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            Callback(
                method="GET",
                url=f"{URL}?sender={quote(number)}&text=%C3%ABn%2B1",
                query={"sender": number, "text": "x"},
                headers={},
                body=b"",
            ),
            "ën+1",
        )
        for number in ("+32470123456", "0032470123456", "32470123456", "+32 470 12 34 56")
    ]
    + [
        (
            Callback(
                method="GET",
                url=f"{URL}?sender=32470123456&text=%D8%3D%DE%42&charset=UTF-16BE",
                query={"sender": "32470123456", "charset": "UTF-16BE"},
                headers={},
                body=b"",
            ),
            "🙂",
        ),
        (post("ën".encode(), 'text/plain; charset="UTF-8"', x_kannel_from="+32470123456"), "ën"),
        (post("ن🙂".encode("utf-16-be"), "text/plain; charset=UTF-16BE", x_kannel_from="32470123456"), "ن🙂"),
        (post(b"", "text/plain", x_kannel_from="32470123456"), ""),
    ],
)
def test_what_a_citizen_writes_comes_through_kannel_in_any_character_set(call: Callback, said: str) -> None:
    assert gateway(KANNEL).incoming(call) == [Incoming("+32470123456", said)]


@pytest.mark.parametrize(
    "call",
    [
        get({"text": "JA"}),
        get({"sender": "32470123456"}),
        post(b"JA", "text/plain"),
        post(b"\xff\xfe\xfd", "text/plain; charset=utf-8", x_kannel_from="32470123456"),
        post(b"JA", "text/plain; charset=klingon", x_kannel_from="32470123456"),
    ],
)
def test_half_a_message_from_kannel_is_nonsense(call: Callback) -> None:
    with pytest.raises(Nonsense):
        gateway(KANNEL).incoming(call)


@pytest.mark.parametrize("sender", ["8850", "Proximus", "32", "+3200000000000000000"])
def test_who_has_no_number_is_no_citizen(sender: str) -> None:
    assert gateway(KANNEL).incoming(post(b"JA", "text/plain", x_kannel_from=sender)) == []


# --- Twilio -------------------------------------------------------------------------------------


def signature(url: str, fields: dict[str, str], token: str = TOKEN) -> str:
    """As Twilio's documentation describes it."""
    told = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), told.encode(), hashlib.sha1).digest()).decode()


def from_twilio(fields: dict[str, str], url: str = URL, signed: str | None = None) -> Callback:
    given = signature(url, fields) if signed is None else signed
    return post(urlencode(fields).encode(), FORM, url=url, x_twilio_signature=given)


def test_the_signature_is_the_one_of_twilio_s_own_example() -> None:
    # The example that Twilio's documentation works through.
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(url, fields, "12345") == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.mark.parametrize(
    ("state", "reached"),
    [
        ("queued", Reached.ACCEPTED),
        ("sent", Reached.ACCEPTED),
        ("delivered", Reached.DELIVERED),
        ("undelivered", Reached.FAILED),
        ("failed", Reached.FAILED),
    ],
)
def test_twilio_s_states(state: str, reached: Reached) -> None:
    fields = {"MessageStatus": state, "To": "+32470123456", "Empty": ""}
    assert gateway(TWILIO).receipts(from_twilio(fields)) == [Receipt("d-1", reached, state)]


def test_a_receipt_of_twilio_keeps_its_error() -> None:
    found = gateway(TWILIO).receipts(from_twilio({"MessageStatus": "undelivered", "ErrorCode": "30003"}))
    assert found == [Receipt("d-1", Reached.FAILED, "undelivered 30003")]


def test_twilio_brings_what_citizens_write() -> None:
    fields = {"From": "+32470123456", "Body": "STOP & ën\r\n€", "To": "+32460000001"}
    assert gateway(TWILIO).incoming(from_twilio(fields)) == [Incoming("+32470123456", "STOP & ën\r\n€")]


def test_twilio_signs_with_the_usual_port_or_without() -> None:
    fields = {"MessageStatus": "sent"}
    with_port = URL.replace("example.be", "example.be:443")
    for told in (URL, with_port):
        for signed in (URL, with_port):
            call = from_twilio(fields, told, signature(signed, fields))
            assert len(gateway(TWILIO).receipts(call)) == 1


GOOD = {"MessageStatus": "delivered", "From": "+32470123456", "Body": "JA"}


@pytest.mark.parametrize(
    "call",
    [
        from_twilio(GOOD, signed=""),
        from_twilio(GOOD, signed="é"),
        from_twilio(GOOD, signed=signature(URL, {})),
        from_twilio(GOOD, signed=signature(URL, GOOD, "other")),
        from_twilio(GOOD, signed=signature(URL + "x", GOOD)),
        from_twilio(GOOD, signed=signature(URL, GOOD | {"MessageStatus": "failed"})),
        from_twilio(GOOD, signed=signature(URL, GOOD | {"More": "x"})),
        from_twilio(GOOD, URL.replace("example.be", "example.be:8443"), signature(URL, GOOD)),
        get(GOOD, **{"x-twilio-signature": signature(URL, {})}),
    ],
)
def test_what_twilio_did_not_sign_is_forged(call: Callback) -> None:
    for read in (gateway(TWILIO).receipts, gateway(TWILIO).incoming):
        with pytest.raises(Forged):
            read(call)


@pytest.mark.parametrize("fields", [{}, {"MessageStatus": "eaten"}, {"Body": "JA"}, {"From": "+32470123456"}])
def test_half_a_call_of_twilio_is_nonsense(fields: dict[str, str]) -> None:
    for read in (gateway(TWILIO).receipts, gateway(TWILIO).incoming):
        with pytest.raises(Nonsense):
            read(from_twilio(fields))


# --- a gateway by its settings ------------------------------------------------------------------


def test_receipts_are_read_where_the_settings_say() -> None:
    events = [
        {"ref": "a", "status": {"code": 0}},
        {"ref": "b", "status": {"code": "2", "why": "handset"}},
        {"ref": "c", "status": {"code": 3, "why": {"not": "a word"}}},
        {"ref": "d", "status": {"code": "buffered"}},
        {"ref": "b", "status": {"code": "read"}},
    ]
    found = gateway(HTTP).receipts(post(json.dumps({"events": events}).encode(), delivery=""))
    assert found == [
        Receipt("a", Reached.ACCEPTED, "0"),
        Receipt("b", Reached.DELIVERED, "2 handset"),
        Receipt("c", Reached.FAILED, "3"),
        Receipt("b", Reached.DELIVERED, "read"),
    ]


def test_at_its_own_address_a_delivery_need_not_be_named_but_no_other_may_be() -> None:
    http = gateway(HTTP)
    assert http.receipts(post(b'{"events": {"status": {"code": 2}}}'))[0].delivery == "d-1"
    assert http.receipts(post(b'{"events": {"ref": "d-1", "status": {"code": 2}}}'))[0].delivery == "d-1"
    with pytest.raises(Nonsense, match="another delivery"):
        http.receipts(post(b'{"events": {"ref": "d-2", "status": {"code": 2}}}'))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml/>",
        b"\xff",
        b"[" * 60_000,
        b"5",
        b"{}",
        b'{"events": 1}',
        b'{"events": [1]}',
        b'{"events": [{"ref": "a"}]}',
        b'{"events": [{"ref": "a", "status": {"code": {}}}]}',
        b'{"events": [{"status": {"code": 2}}]}',
        b'{"events": [' + b",".join([b"{}"] * 1001) + b"]}",
    ],
)
def test_a_call_that_cannot_be_read_is_nonsense(body: bytes) -> None:
    with pytest.raises(Nonsense):
        gateway(HTTP).receipts(post(body, delivery=""))


SIGNED = [
    ("sha256", "hex", "sha256="),
    ("sha512", "base64", ""),
    ("sha1", "hex", ""),
]


@pytest.mark.parametrize(("digest", "written", "prefix"), SIGNED)
def test_a_signature_is_checked_before_anything_is_read(digest: str, written: str, prefix: str) -> None:
    more = (
        f'[http.signature]\nheader = "X-Sig"\nkey = "{TOKEN}"\ndigest = "{digest}"\nwritten = "{written}"\n'
    )
    http = gateway(HTTP + more + f'prefix = "{prefix}"')
    body = b'{"events": [{"ref": "a", "status": {"code": 2}}], "from": "32470123456", "text": "JA"}'

    def signed(key: str, told: bytes) -> str:
        mac = hmac.new(key.encode(), told, digest).digest()
        return prefix + (mac.hex() if written == "hex" else base64.b64encode(mac).decode())

    good = signed(TOKEN, body)
    assert len(http.receipts(post(body, delivery="", x_sig=good))) == 1
    assert http.incoming(post(body, delivery="", x_sig=good)) == [Incoming("+32470123456", "JA")]
    for bad in ("", "é", prefix, good[:-2], signed("other", body), signed(TOKEN, body + b" ")):
        for read in (http.receipts, http.incoming):
            with pytest.raises(Forged):
                read(post(body, delivery="", x_sig=bad))
    with pytest.raises(Forged):
        http.receipts(post(b"nonsense", delivery=""))


def test_messages_are_read_from_json_form_and_query() -> None:
    http = gateway(HTTP)
    fields = {"from": "32470123456", "text": "JA & ën"}
    expected = [Incoming("+32470123456", "JA & ën")]
    assert http.incoming(post(json.dumps(fields).encode())) == expected
    assert http.incoming(post(urlencode(fields).encode(), FORM + "; charset=UTF-8")) == expected
    assert http.incoming(get(fields)) == expected
    for half in ({"from": "32470123456"}, {"text": "JA"}, {"from": "32470123456", "text": 5}):
        with pytest.raises(Nonsense):
            http.incoming(post(json.dumps(half).encode()))


def test_where_settings_are_silent_about_incoming_messages_there_are_none() -> None:
    with pytest.raises(Nonsense, match="settings"):
        gateway(HTTP.replace('sender = "from"', "")).incoming(get({"from": "32470123456", "text": "JA"}))


def preset(name: str) -> Gateway:
    return gateway(f'gateway = "http"\nsender = "8850"\n[http]\npreset = "{name}"\nkey = "k"')


def test_the_presets_read_what_their_vendors_describe() -> None:
    report = {"received": "2026", "to": "32470123456", "reference": "a"}
    report |= {"status": {"code": "2", "errorCode": "", "errorDescription": ""}}
    for messages in ({"msg": report}, {"msg": [report]}):
        call = post(json.dumps({"messages": messages}).encode(), delivery="")
        assert preset("cm").receipts(call) == [Receipt("a", Reached.DELIVERED, "2")]
    told = {"from": {"number": "0032470123456"}, "message": {"text": "JA"}, "channel": "SMS"}
    assert preset("cm").incoming(post(json.dumps(told).encode())) == [Incoming("+32470123456", "JA")]

    told = {"MessageId": "m", "Reference": "a", "StatusCode": "200", "StatusDescription": "Delivered"}
    found = preset("ringring").receipts(post(json.dumps(told).encode(), delivery=""))
    assert found == [Receipt("a", Reached.DELIVERED, "200 Delivered")]
    told = {"MessageId": "m", "Reference": None, "From": "32470123456", "To": "8686", "Message": "JA"}
    assert preset("ringring").incoming(post(json.dumps(told).encode())) == [Incoming("+32470123456", "JA")]

    call = get({"REFERENCE": "a", "STATUS": "20", "REASONCODE": "21"}, delivery="")
    assert preset("spryng").receipts(call) == [Receipt("a", Reached.FAILED, "20 21")]
