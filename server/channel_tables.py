"""The shape of ``[channels]``: by what messages are carried. A channel that is not named goes to the console.

A secret may stand in the environment: ``"$KANNEL_PASSWORD"`` is read there when the server starts.
"""

from __future__ import annotations

import email.errors
import email.headerregistry
import os
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from server.config_tables import ConfigError, Place, read_table
from server.sms_tables import SmsTable

AtOnce = Annotated[int, Meta(ge=1, le=200)]
"""Connections at most."""
Patience = Annotated[int, Meta(ge=1, le=300)]
"""Seconds that a gateway may take for one message."""
PUSH_SERVICES = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "web.push.apple.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
"""The push services of Chrome and Edge, Firefox, Safari, and of Edge before it was Chromium."""


class Tls(StrEnum):
    """How a connection to a mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class MailTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.mail]``: the server that takes the city's mail."""

    host: str
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    tls: Tls = Tls.STARTTLS
    user: str = ""
    password: str = ""
    sender: str
    at_once: AtOnce = 8
    timeout_s: Patience = 30


class PushTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.push]``: messages to browsers."""

    contact: str
    hosts: tuple[str, ...] = PUSH_SERVICES
    at_once: AtOnce = 50
    timeout_s: Patience = 10
    reach_within_s: Annotated[int, Meta(ge=1, le=86_400)] = 120


class ChannelsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels]``."""

    sms: dict[str, Any] = {}
    mail: dict[str, Any] = {}
    push: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Channels:
    """What carries messages; None is the console."""

    sms: SmsTable | None = None
    mail: MailTable | None = None
    push: PushTable | None = None


def secret(value: str) -> str:
    """A secret as it is used. Raises :class:`ConfigError` where the environment does not have it."""
    if not value.startswith("$"):
        return value
    found = os.environ.get(value[1:])
    if not found:
        raise ConfigError(f"{value[1:]} is not in the environment, and the configuration names it")
    return found


def read_mail(raw: dict[str, Any], place: Place) -> MailTable | None:
    """``[channels.mail]``, or None where it is not there."""
    if not raw:
        return None
    table = read_table(raw, MailTable, place)
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", table.host):
        place.at("host").fail('must be the name or address of a server, such as "mail.example.org"')
    try:
        address(table.sender)
    except ValueError:
        place.at("sender").fail('must be a mail address such as "Town <no-reply@example.org>"')
    if bool(table.user) != bool(table.password):
        lacking, given = ("password", "user") if table.user else ("user", "password")
        place.at(lacking).fail(f"is missing, and {given} is given")
    if table.user and table.tls is Tls.NONE and table.host not in ("localhost", "127.0.0.1", "::1"):
        place.at("tls").fail('"none" would send the password for all to read; choose "starttls" or "tls"')
    return table


def address(written: str) -> email.headerregistry.Address:
    """One mail address, with or without a name before it. Raises ``ValueError``."""
    try:
        header = email.headerregistry.HeaderRegistry()("to", written)
        (found,) = header.addresses  # type: ignore[attr-defined]
    except (ValueError, IndexError, email.errors.MessageError) as error:
        raise ValueError("not one mail address") from error
    spec = found.addr_spec
    if header.defects or not re.fullmatch(r"[^\s@<>\"\x00-\x1f\x7f]+@[^\s@<>\"\x00-\x1f\x7f]+", spec):
        raise ValueError("not one mail address")
    return found  # type: ignore[no-any-return]


def read_push(raw: dict[str, Any], place: Place) -> PushTable | None:
    """``[channels.push]``, or None where it is not there."""
    if not raw:
        return None
    table = read_table(raw, PushTable, place)
    if not re.fullmatch(r"mailto:[^\s@]+@[^\s@]+|https://[^\s/]+(/\S*)?", table.contact):
        place.at("contact").fail('must be where push services reach you: "mailto:..." or "https://..."')
    if not table.hosts:
        place.at("hosts").fail("names no push service: nobody could be reached")
    for index, host in enumerate(table.hosts):
        if not re.fullmatch(r"(\*\.)?([a-z0-9-]+\.)+[a-z][a-z0-9-]*", host):
            place.at("hosts").item(index).fail(
                f'"{host}" is no host: write "push.example.org", or "*.push.example.org" for all below it'
            )
    return table
