"""What a site writes to citizens, and when: its ladder of reminders, quiet hours, languages, channels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

CHANNELS = ("push", "sms", "mail")
"""The channels there are, in the order in which a person is written to where nothing else is set."""


class Languages(StrEnum):
    """Which languages a site may write in. Its official one is the first of its languages."""

    OFFICIAL = "official"
    """The official language alone."""
    OFFICIAL_FIRST = "official-first"
    """The official language, and under it the citizen's own where that is another."""
    CITIZEN = "citizen"
    """The citizen's own, where the house offers it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder: so many local days, or so many elapsed seconds, before the slot."""

    name: str
    days: int = 0
    seconds: int = 0


_STEP = re.compile(r"([1-9][0-9]{0,2})(d|h|min)")
_SECONDS = {"h": 3600, "min": 60}


def step(written: str) -> Step:
    """A rung as it is written: ``3d``, ``2h``, ``45min``. Raises ``ValueError``."""
    match = _STEP.fullmatch(written)
    if match is None:
        raise ValueError(f'"{written}" is no step: write "3d", "2h" or "45min"')
    count, unit = int(match[1]), match[2]
    return Step(written, days=count) if unit == "d" else Step(written, seconds=count * _SECONDS[unit])


LADDER = (step("3d"), step("1d"), step("2h"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """How a site writes. Durations are seconds.

    ``city`` stands in every SMS, ``place`` in every reminder. In ``quiet``, from the first wall-clock
    time to the second, nobody is written to; on closing days neither unless ``on_closing_days``.
    ``almost_ahead`` and ``almost_s``: "almost your turn" goes out at so many people ahead or so long
    before, whichever is first. ``late_from_s``: from this lateness of the house on, people who have not
    left home are told a later time. SMS in the languages of ``transliterate`` lose the accents and signs
    that would more than double their price.
    """

    city: str = ""
    place: str = ""
    ladder: tuple[Step, ...] = LADDER
    order: tuple[str, ...] = CHANNELS
    quiet: tuple[time, time] | None = (time(21), time(8))
    on_closing_days: bool = False
    languages: Languages = Languages.CITIZEN
    transliterate: tuple[str, ...] = ()
    almost_ahead: int = 2
    almost_s: int = 600
    late_from_s: int = 900
    kept_s: int = 30 * 86_400
    """How long people's data outlive their slot or visit."""
