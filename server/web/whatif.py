"""``/{site}/whatif``: a supervisor asks what a change would do to a day, and reads the answer beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import parse_qs

import msgspec
from babel.numbers import format_decimal
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.access import Right
from server.domain.house import House
from server.ledger import newest_day
from server.questions import Question, Questions
from server.web.endpoint import Parts, answered, authenticate, check_origin, read_body
from server.web.errors import Problem
from server.web.pages import HEADERS, Pages, page

FIELDS = 20
"""A form has as many at most."""

Form = Mapping[str, Sequence[str]]


class Progress(msgspec.Struct):
    """How far the answer is."""

    open: bool
    done: int
    total: int


class WhatIf:
    """The handlers of the page."""

    def __init__(self, parts: Parts, pages: Pages, questions: Questions) -> None:
        self._parts = parts
        self._pages = pages
        self._questions = questions

    async def page(self, request: Request) -> Response:
        """``GET``: the form, and the last question of the site; ``POST`` asks one, and leads back here."""
        if request.method == "POST":
            return await self._ask(request)
        house = self._pages.house(request)
        refused = await self._pages.gate(request, Right.READ_FIGURES, house)
        if refused is not None:
            return refused
        question = self._questions.last(house.site)
        known = await self._parts.database.read(lambda connection: newest_day(connection, house.site))
        return page(
            "whatif",
            house.languages[0],
            site=house.site,
            house_name=house.name,
            services={name: service.name for name, service in house.services.items()},
            booked=[name for name, service in house.services.items() if service.appointments],
            form=_filled(question.form if question else {}, (known or self._today(house)).isoformat()),
            question=question,
            elsewhere=self._questions.busy and not (question and question.open),
            answer=msgspec.json.decode(question.answer) if question and question.answer else None,
            number=lambda value, digits=0: _number(value, digits, house.languages[0]),
        )

    async def stop(self, request: Request) -> Response:
        """``POST .../stop``: the answer is not wanted any longer."""
        house = await self._allowed(request)
        question = self._questions.last(house.site)
        if question is not None:
            question.stop.set()
        return _back(house)

    async def progress(self, request: Request) -> Response:
        """``GET .../progress``: how far the site's question is, for the page's script."""
        house = await self._allowed(request)
        question = self._questions.last(house.site)
        if question is None:
            return answered(Progress(False, 0, 0))
        return answered(Progress(question.open, question.done, question.total))

    async def _ask(self, request: Request) -> Response:
        house = await self._allowed(request)
        raw = (await read_body(request)).decode("utf-8", "replace")
        try:
            form = parse_qs(raw, max_num_fields=FIELDS + len(house.services))
        except ValueError as error:
            raise Problem(422, "invalid-body", "The form has too many fields.") from error
        question = Question(house.site, arguments(form), form)
        if (visitors := _one(form, "visitors")) and not visitors.isdecimal():
            question.wrong = "bad-visitors"
        try:
            date.fromisoformat(_one(form, "day"))
        except ValueError:
            question.wrong = "bad-day"
        self._questions.ask(question)
        return _back(house)

    async def _allowed(self, request: Request) -> House:
        """The house, for who may ask there. Nobody else learns whether there is such a site."""
        principal = await authenticate(self._parts.doorkeeper, request)
        own = request.headers.get("origin") == "null"
        # Our own form says `null`, because our pages tell nobody where they are; the browser vouches for it.
        if not (own and request.headers.get("sec-fetch-site") == "same-origin"):
            check_origin(principal, request, self._parts.public_url)
        if not principal.may(Right.READ_FIGURES, request.path_params["site"]):
            raise Problem(403, "not-allowed", "This token or session may not do that here.")
        return self._pages.house(request)

    def _today(self, house: House) -> date:
        """Where nothing is recorded yet, a day with its bookings can still be planned."""
        return house.calendar.local_date(self._parts.clock.now())


def arguments(form: Form) -> list[str]:
    """What ``onthaal whatif`` is asked with; it looks at the values itself."""
    found = [f"--day={_one(form, 'day')}"]
    services = [name for name in form.get("service", ()) if name]
    if services:
        hours = f"from={_one(form, 'from')} to={_one(form, 'to')}"
        found.append(f"--counter=services={','.join(services)} {hours}")
    if minutes := _one(form, "grace"):
        seconds = str(int(minutes) * 60) if minutes.isdecimal() and len(minutes) < 5 else minutes
        found.append(f"--grace={_one(form, 'grace_for') or 'all'}={seconds}")
    periods = [f"{_one(form, f'opens{n}')}-{_one(form, f'closes{n}')}" for n in (1, 2)]
    if any(periods := [period for period in periods if period != "-"]):
        found.append(f"--opening={','.join(periods)}")
    if visitors := _one(form, "visitors"):
        found.append(f"--visitors={visitors}")
    return found


def _filled(form: Form, newest: str) -> dict[str, str | Sequence[str]]:
    """The form as it was sent, or as it begins."""
    begins = {"day": newest, "from": "10:00", "to": "12:00", "grace_for": "all"}
    names = ("day", "from", "to", "grace", "grace_for", "opens1", "closes1", "opens2", "closes2", "visitors")
    return {"service": form.get("service", ())} | {
        name: _one(form, name) or ("" if form else begins.get(name, "")) for name in names
    }


def _one(form: Form, name: str) -> str:
    return next(iter(form.get(name, ())), "").strip()


def _number(value: float, digits: int, language: str) -> str:
    return format_decimal(
        round(value, digits) + 0.0, "0." + "0" * digits if digits else "0", locale=language[:2]
    )


def _back(house: House) -> Response:
    return RedirectResponse(f"/{house.site}/whatif", 303, HEADERS)
