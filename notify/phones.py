"""Telephone numbers: as people write them, to E.164, with the country of the house where they name none."""

from __future__ import annotations

import re

import phonenumbers

_WRITTEN = re.compile(r"[\d\s+()./\-–]+")
"""What a number is written with. The library also finds numbers in sentences, and drops what is around."""


class BadPhone(Exception):
    """What was given is no telephone number; the message says so and does not repeat it."""


def e164(written: str, region: str) -> str:
    """A number as E.164, ``+32470123456``; ``region`` is read where it has no country code.

    Raises :class:`BadPhone`.
    """
    told = f"is no telephone number of {region}, and of no other country with + before it"
    if not _WRITTEN.fullmatch(written):
        raise BadPhone(told)
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        raise BadPhone(told) from None
    if not phonenumbers.is_valid_number(number):
        raise BadPhone(told)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
