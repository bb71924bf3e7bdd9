"""How people at a front office behave: the distributions that a planned day is drawn from.

Every function takes the :class:`random.Random` to draw from, or what was drawn from it, and is otherwise
pure. Durations are seconds of house time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import sqrt
from random import Random

from server.domain.appointment import BookedBy
from server.domain.house import Kind, Service

NEVER_SHARE = 0.07
"""Share of the appointments that stand whose people never report though they were reminded.

The city's talk of November 2019; it has sent reminders since 2015, so its 16 in a hundred is with them.
"""
LATE_SHARE = 0.09
"""Share that reports later than the grace, reminded: with those who never report 16 in a hundred."""
GRACE_S = 300

REMINDED_RATIO = 0.77
"""How often reminded people fail beside those who are not: the risk ratio of non-attendance of SMS against
none, 0.77 (0.71 to 0.84), in a review of randomised trials in health care. No trial in a town hall is known;
it is taken for being late as well, because the city counts the two together."""

# Lateness in minutes at shares of the people, joined by straight lines: the 143 arrivals of a clinic in
# 2016 (github.com/mching/mching.github.io, "How Late Can My Patient Be"), parted at the end of the grace. All
# together: 5 in a hundred are there 46 minutes early, half of them 8, and 10 and 5 in a hundred come later
# than 7 and 12 minutes; nobody stands here for more than an hour and a half.
_PUNCTUAL = (
    *((0.0, -90.0), (0.057, -46.0), (0.1, -30.0), (0.2, -22.0), (0.3, -17.0), (0.4, -13.0), (0.5, -10.5)),
    *((0.6, -7.0), (0.7, -5.0), (0.8, -3.0), (0.9, 1.0), (1.0, 5.0)),
)
_LATE = ((0.0, 5.02), (0.25, 8.8), (0.41, 10.0), (0.55, 12.0), (0.7, 17.0), (0.824, 20.0), (1.0, 31.0))

TRAVEL_S = 1200
"""Whoever is to be at the house leaves home this long before: a reminder that comes later changes nothing."""

PHONE_SHARE = 0.85
MAIL_SHARE = 0.4
SAFE_SHARES = {"sms": 0.3, "none": 0.2}
"""Of the visitors of a discreet service: whose messages only come to a telephone that is their own, and to
who nothing must ever be written."""

BOOKED_BY = {BookedBy.ONLINE: 47_974, BookedBy.PHONE: 19_468, BookedBy.DESK: 9_734}
"""How the 77,176 appointments of 2018 were booked. The city's talk of November 2019 has the 47,974 that
citizens booked online; of the others it says nothing, and two in three are taken to have called."""

CONFIRM_SHARE = 0.3
CALL_BACK_SHARE = 0.01

RATES_SHARE = 0.3
"""Of those who were served: who say afterwards how it was. This and all of ratings below is assumed: no town
hall's figures are known. That people like a visit less the longer they waited is known since Maister, "The
Psychology of Waiting Lines" (1985); by how much is not."""
SCORE_UNWAITED, SCORE_SPREAD = 8.7, 1.3
"""The score, 0 to 10, of who did not wait at all: its mean, and its standard deviation."""
POINT_S = 480
"""What each such wait takes off it: a point for eight minutes."""
RATES_WITHIN_S = (30.0, 300.0)
"""When it is said: on the way out."""
WORD_SHARE = 0.1
"""Of those who rate: who add a word."""
_WORDS = ("Vlot geholpen.", "Duidelijke uitleg.", "Alles in orde.")
_WORDS_OF_WAITING = ("Lang moeten wachten.", "Het wachten mag korter.")
UNHAPPY_S = 900
"""Who waited longer writes of that."""

HANDLING_MEAN = 0.85
"""Mean handling time over the target: a target is set so that most people are helped within it."""
HANDLING_SIGMA = 0.45
EXPRESS_LONGEST_S = 239
"""The express desk is for what takes under four minutes."""


class Answer(StrEnum):
    """What a person does when called."""

    COMES = "comes"
    ON_RECALL = "on-recall"
    RETURNS = "returns"
    GONE = "gone"


class Aside(StrEnum):
    """What interrupts the handling of a person."""

    PARK = "park"
    TRANSFER = "transfer"
    SLIP = "slip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """After the share ``after`` of the handling: a paper to fetch, a desk to go on to, a slip.

    ``away_s`` is how long a parked person is away; ``service`` where a transferred one goes; a slip
    is a "finish" pressed too early, and taken back.
    """

    kind: Aside
    after: float
    away_s: float = 0.0
    service: str | None = None
    accompanied: bool = False


class Reply(StrEnum):
    """What a person answers to a reminder, beside that they cancel or will be late."""

    CONFIRM = "confirm"
    CALL_BACK = "call-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a person can be reached. Numbers and addresses are nobody's; no gateway ever sees them."""

    phone: str | None = None
    email: str | None = None
    safe: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """That a person says how it was, ``after_s`` from the end.

    ``mood`` is how far they are from most people, in standard deviations; ``place`` (0 to 1) chooses their
    word, None for none.
    """

    mood: float
    after_s: float
    place: float | None = None

    def score(self, waited_s: float) -> int:
        """What they give, 0 to 10, after that wait: the longer it was, the less."""
        felt = SCORE_UNWAITED + SCORE_SPREAD * self.mood - waited_s / POINT_S
        return max(0, min(10, round(felt)))

    def word(self, waited_s: float) -> str | None:
        """What they write after that wait, if anything."""
        if self.place is None:
            return None
        words = _WORDS_OF_WAITING if waited_s > UNHAPPY_S else _WORDS
        return words[int(self.place * len(words))]


def arrival_s(luck: float, place: float, *, reminded: bool) -> float | None:
    """Report minus slot of an appointment that stands; negative is early, None is never.

    ``luck`` and ``place`` are drawn evenly from 0 to 1, the same two for both cases: then nobody does worse
    for being reminded, and who differs differs by the reminder alone.
    """
    more = 1.0 if reminded else 1 / REMINDED_RATIO
    if luck < NEVER_SHARE * more:
        return None
    return lateness_s(place, late=luck < (NEVER_SHARE + LATE_SHARE) * more)


def lateness_s(place: float, *, late: bool) -> float:
    """Report minus slot of who comes, at ``place`` (0 to 1) among the late or among the punctual."""
    knots = _LATE if late else _PUNCTUAL
    for (since, from_min), (until, to_min) in pairwise(knots):
        if place <= until:
            return 60 * (from_min + (to_min - from_min) * (place - since) / (until - since))
    return 60 * knots[-1][1]


def reached(draw: Random, service: Service, number: str, mail: str) -> Contact:
    """What a person leaves when booking: a mobile number, a mail address, both, or neither."""
    phone = number if draw.random() < PHONE_SHARE else None
    email = mail if draw.random() < MAIL_SHARE else None
    luck = draw.random()
    safe = None
    if service.discreet and luck < SAFE_SHARES["sms"]:
        # Only a channel that they have can be the safe one.
        safe = "none" if phone is None else "sms"
    elif service.discreet and luck < sum(SAFE_SHARES.values()):
        safe = "none"
    return Contact(phone=phone, email=email, safe=safe)


def booked_by(draw: Random) -> BookedBy:
    """How an appointment was booked."""
    return draw.choices(list(BOOKED_BY), weights=list(BOOKED_BY.values()))[0]


def rating(draw: Random) -> Rating | None:
    """What a person says of the visit if it is served; most say nothing."""
    if draw.random() >= RATES_SHARE:
        return None
    place = draw.random() if draw.random() < WORD_SHARE else None
    return Rating(mood=draw.gauss(0, 1), after_s=draw.uniform(*RATES_WITHIN_S), place=place)


def reply(draw: Random) -> Reply | None:
    """What a person who comes answers to a reminder; most say nothing."""
    luck = draw.random()
    if luck < CALL_BACK_SHARE:
        return Reply.CALL_BACK
    return Reply.CONFIRM if luck < CALL_BACK_SHARE + CONFIRM_SHARE else None


def reply_after_s(draw: Random) -> float:
    """From a message to its answer: half of them within twenty minutes, some in the evening."""
    return 60 * min(draw.lognormvariate(3.0, 1.0), 300.0)


def handling_s(draw: Random, service: Service) -> float:
    """How long a person sits at the counter: lognormal around the service's target."""
    mean = HANDLING_MEAN * service.target_s
    drawn = mean * draw.lognormvariate(-HANDLING_SIGMA * HANDLING_SIGMA / 2, HANDLING_SIGMA)
    longest = EXPRESS_LONGEST_S if service.kind is Kind.EXPRESS else 3.5 * service.target_s
    return max(20.0, min(drawn, longest))


def walk_s(draw: Random) -> float:
    """From a seat in the hall to the counter."""
    return draw.triangular(8, 45, 15)


def patience_s(draw: Random) -> float:
    """How long a person waits beyond the own slot before leaving; a few have a bus to catch."""
    if draw.random() < 0.04:
        return draw.uniform(4 * 60, 15 * 60)
    return 60 * draw.lognormvariate(4.2, 0.5)


def answer(draw: Random) -> Answer:
    """Nearly everyone comes at once; some are outside with a telephone."""
    (drawn,) = draw.choices(list(Answer), weights=(960, 22, 8, 10))
    return drawn


def persons(draw: Random) -> int:
    """How many people come together."""
    return draw.choices((1, 2, 3, 4, 5), weights=(930, 40, 15, 10, 5))[0]


def language(draw: Random) -> str | None:
    """The language a person would rather speak, where it is not the house's."""
    return draw.choices((None, "fr", "en", "ar", "tr", "es"), weights=(920, 25, 25, 15, 10, 5))[0]


def around(draw: Random, mean: float, *, spread: float) -> int:
    """A count around ``mean``: normal, with ``spread`` as a share of the mean beside its own noise."""
    return max(0, round(draw.gauss(mean, sqrt(mean + (spread * mean) ** 2))))
