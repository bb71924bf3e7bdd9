"""The shape of ``[channels]``: by what messages are carried. A channel that is not named goes to the console.

A secret may stand in the environment: ``"$KANNEL_PASSWORD"`` is read there when the server starts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import msgspec

from server.config_tables import ConfigError, Place, read_table
from server.sms_tables import SmsTable


class MailTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.mail]``."""


class PushTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``[channels.push]``."""


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
    return read_table(raw, MailTable, place) if raw else None


def read_push(raw: dict[str, Any], place: Place) -> PushTable | None:
    """``[channels.push]``, or None where it is not there."""
    return read_table(raw, PushTable, place) if raw else None
