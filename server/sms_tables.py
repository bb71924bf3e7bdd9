"""The shape of ``[channels.sms]``: by which gateway SMS are carried, and how an HTTP gateway is spoken to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from server.config_tables import Duration, Place, read_table

PLACEHOLDERS = ("to", "digits", "text", "sender", "reference", "callback", "language", "key")
"""What may stand in a template: ``{to}`` is the number as E.164, ``{digits}`` the same without ``+``,
``{reference}`` the delivery's own, ``{callback}`` the address for its receipts."""

PLACEHOLDER = re.compile(r"{(\w+)}")

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class SmsGateway(StrEnum):
    """By whom SMS are carried."""

    CONSOLE = "console"
    KANNEL = "kannel"
    HTTP = "http"
    TWILIO = "twilio"


class Digest(StrEnum):
    """What a gateway makes the HMAC of its signature with."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


class Written(StrEnum):
    """How the bytes of a signature are written."""

    HEX = "hex"
    BASE64 = "base64"


class Method(StrEnum):
    """How an HTTP gateway is asked."""

    POST = "POST"
    PUT = "PUT"
    GET = "GET"


class KannelTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms.kannel]``: a smsbox, and the ``sendsms-user`` that Onthaal is to it."""

    url: str = "http://127.0.0.1:13013/cgi-bin/sendsms"
    username: str
    password: str


class AnswerTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms.http.answer]``: what the gateway's answers mean.

    Paths are names and numbers from 0 with dots between, ``messages.0.status``. Without ``state`` the
    status line alone tells.
    """

    reference: str = ""
    state: str = ""
    accepted: tuple[str, ...] = ()
    try_later: tuple[str, ...] = ()
    undeliverable: tuple[str, ...] = ()


class SignatureTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms.http.signature]``: how the gateway signs its calls; without it their address is the
    secret."""

    header: str = ""
    key: str = ""
    digest: Digest = Digest.SHA256
    written: Written = Written.HEX
    prefix: str = ""


class ReceiptsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms.http.receipts]``: how its calls about deliveries are read."""

    items: str = ""
    reference: str = ""
    state: str = ""
    detail: str = ""
    accepted: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class IncomingTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms.http.incoming]``: how its calls about messages of citizens are read."""

    items: str = ""
    sender: str = ""
    text: str = ""


class HttpTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms.http]``: a gateway that takes a message by one HTTP request.

    ``query``, ``form`` and ``json`` are templates: their texts hold placeholders, see ``PLACEHOLDERS``.
    """

    preset: str = ""
    url: str
    method: Method = Method.POST
    user: str = ""
    key: str = ""
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    form: dict[str, str] = {}
    json: dict[str, Any] = {}
    idempotency_header: str = ""
    answer: AnswerTable = AnswerTable()
    signature: SignatureTable = SignatureTable()
    receipts: ReceiptsTable = ReceiptsTable()
    incoming: IncomingTable = IncomingTable()


class TwilioTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms.twilio]``: an account; its token also signs what Twilio calls back with."""

    account: str
    token: str
    service: str = ""
    url: str = "https://api.twilio.com"


class SmsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.sms]``: by whom SMS are carried, from which sender, at which price."""

    gateway: SmsGateway
    sender: str = ""
    two_way: bool = False
    part_price: Annotated[float, Meta(ge=0, le=10)] = 0.0
    at_once: Annotated[int, Meta(ge=1, le=1000)] = 64
    timeout_s: Annotated[int, Meta(ge=1, le=120)] = 10
    reach_within_s: Duration = 900
    kannel: KannelTable | None = None
    http: HttpTable | None = None
    twilio: TwilioTable | None = None


_GATEWAYS: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("kannel", KannelTable),
    ("http", HttpTable),
    ("twilio", TwilioTable),
)
_PARTS: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("answer", AnswerTable),
    ("signature", SignatureTable),
    ("receipts", ReceiptsTable),
    ("incoming", IncomingTable),
)


def read_sms(raw: dict[str, Any], place: Place, presets: Path) -> SmsTable | None:
    """``[channels.sms]``, or None where it is not there; ``presets`` is where settings of gateways lie."""
    if not raw:
        return None
    if isinstance(raw.get("http"), dict):
        raw = raw | {"http": _preset(raw["http"], place.at("http"), presets)}
    # The inner tables first, each by itself: so their errors name the nearest key too.
    http = raw["http"] if isinstance(raw.get("http"), dict) else {}
    for name, inner in _PARTS:
        if name in http:
            read_table(http[name], inner, place.at("http").at(name))
    for name, struct in _GATEWAYS:
        if name in raw:
            read_table(raw[name], struct, place.at(name))
    table = read_table(raw, SmsTable, place)
    _sender(table, place)
    if table.kannel is not None:
        _address(table.kannel.url, place.at("kannel.url"))
    if table.http is not None:
        _http(table.http, place.at("http"))
    if table.twilio is not None:
        _address(table.twilio.url, place.at("twilio.url"), private=True)
    if table.gateway is not SmsGateway.CONSOLE and getattr(table, table.gateway) is None:
        place.at(table.gateway).fail(f'is missing, and the gateway is "{table.gateway}"')
    return table


def _sender(table: SmsTable, place: Place) -> None:
    here = place.at("sender")
    service = table.twilio is not None and table.twilio.service
    named = table.sender or table.gateway is SmsGateway.CONSOLE
    if not named and not (table.gateway is SmsGateway.TWILIO and service):
        here.fail("is missing: a name of at most 11 letters and digits, a number or a short code")
    if not re.fullmatch(r"|\+?[0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", table.sender):
        here.fail(f'"{table.sender}" is neither a name of at most 11 letters and digits nor a number')
    if table.two_way and re.search("[A-Za-z]", table.sender):
        said = f'is set, but nobody can reply to "{table.sender}", which is a name'
        place.at("two_way").fail(f"{said}: send from a number or short code, or set it to false")


def _address(url: str, place: Place, *, private: bool = False) -> None:
    """``private``: what goes there may not be read on the way, except to this machine itself."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[\x21-\x7e]+", url):
        place.fail(f'"{url}" is no address that begins with https:// or http://')
    if private and parts.scheme == "http" and parts.hostname not in LOCAL:
        place.fail("must begin with https://: people's numbers and a key go there")


def _preset(raw: dict[str, Any], place: Place, presets: Path) -> dict[str, Any]:
    """The settings of the preset that is named, where there is one, with one's own in their place."""
    name = raw.get("preset")
    if not name:
        return raw
    known = sorted(path.stem for path in presets.glob("*.toml"))
    if name not in known:
        place.at("preset").fail(f'there are no settings for "{name}"', str(name), known)
    given = tomllib.loads((presets / f"{name}.toml").read_text(encoding="utf-8"))
    merged = given | raw
    for key in ("headers", "answer", "signature", "receipts", "incoming"):
        if isinstance(given.get(key), dict) and isinstance(raw.get(key), dict):
            merged[key] = given[key] | raw[key]
    return merged


def _http(table: HttpTable, place: Place) -> None:
    _address(table.url, place.at("url"), private=True)
    if table.form and table.json:
        place.at("form").fail("stands beside json: a request has one body")
    if table.method is Method.GET and (table.form or table.json):
        place.at("method").fail("a GET has no body: put what it says into query")
    used = set()
    for key in ("headers", "query", "form", "json"):
        for where, text in _texts(getattr(table, key), place.at(key)):
            for name in PLACEHOLDER.findall(text):
                if name not in PLACEHOLDERS:
                    where.fail(f"there is no placeholder {{{name}}}", name, PLACEHOLDERS)
                used.add(name)
                if key == "headers" and name in ("text", "to", "digits"):
                    where.fail(f"{{{name}}} may not stand in a header: such are written to logs")
    if "text" not in used or not used & {"to", "digits"}:
        place.fail("sends nothing to nobody: {text}, and {to} or {digits}, must stand in query, form or json")
    if "key" in used and not table.key:
        place.at("key").fail("is missing, and the request holds {key}")
    for name, text in (*table.headers.items(), (table.idempotency_header or "x", "")):
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", text):
            place.at("headers").fail(f'"{name}" is no header')
    if table.signature.header and not table.signature.key:
        place.at("signature.key").fail("is missing, and signature.header is set")
    if table.signature.key and not table.signature.header:
        place.at("signature.header").fail("is missing, and signature.key is set")


def _texts(value: object, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text in a template, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, place.at(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, place.item(index))
    elif not isinstance(value, bool | int | float):
        place.fail("must be text, a number, true or false, a list or a table")
