"""Problem answers (RFC 9457): a stable code, and the one place where its sentence is made."""

from __future__ import annotations

import difflib
import http
import logging

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.database import Unavailable
from server.domain.refusal import Code, Refused
from server.live import KeyReused

log = logging.getLogger("onthaal.web")

Fact = str | int | list[str]


class Problem(Exception):
    """A request that cannot be done: its status, its stable code, and facts for the sentence."""

    def __init__(self, status: int, code: str, detail: str, **facts: Fact) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.facts = facts


REFUSALS: dict[Code, tuple[int, str]] = {
    Code.UNKNOWN_SERVICE: (422, "There is no service {service} here."),
    Code.UNKNOWN_COUNTER: (404, "There is no counter {counter} here."),
    Code.UNKNOWN_TICKET: (404, "No ticket or visit {ticket} today."),
    Code.UNKNOWN_APPOINTMENT: (404, "No appointment is known under this reference."),
    Code.NO_WALK_INS: (409, "The service {service} is by appointment only."),
    Code.NO_APPOINTMENTS: (409, "The service {service} takes no appointments."),
    Code.HOUSE_CLOSED: (409, "No tickets are given now: the house is closed or about to close."),
    Code.DAY_OVER: (409, "The day is over."),
    Code.SLOT_PAST: (422, "The slot lies in the past."),
    Code.SLOT_FAR: (422, "The slot lies more than two years ahead."),
    Code.APPOINTMENT_CANCELLED: (409, "The appointment was cancelled."),
    Code.APPOINTMENT_NOT_TODAY: (409, "The appointment is not for today."),
    Code.APPOINTMENT_REPORTED: (409, "The citizen of this appointment has already reported."),
    Code.APPOINTMENT_OVER: (409, "The day of this appointment is over."),
    Code.APPOINTMENT_MOVED: (409, "The appointment was moved meanwhile: it is at {at} now."),
    Code.LATE_TOO_LONG: (409, "The place is kept for {limit_min} minutes after the slot, no longer."),
    Code.LATE_TOO_EARLY: (409, "Lateness is announced in the last {hours} hours before the slot, no sooner."),
    Code.LATE_TOO_LATE: (409, "The moment that is announced has passed by now."),
    Code.COUNTER_NOT_OPEN: (409, "Counter {counter} is not open."),
    Code.COUNTER_BUSY: (409, "Counter {counter} is busy with {ticket}."),
    Code.NOBODY_AT_COUNTER: (409, "Nobody is called to counter {counter}."),
    Code.NOT_CALLED: (409, "Ticket {ticket} is already being served."),
    Code.RECALL_FIRST: (409, "Recall {ticket} first: {recalls} of {needed} recalls made."),
    Code.NOT_WAITING: (409, "Ticket {ticket} is not waiting: it is {state}."),
    Code.NOT_AWAY: (409, "Ticket {ticket} is not away: it is {state}."),
    Code.VISIT_OVER: (409, "The visit of {ticket} is over: it is {state}."),
    Code.NOT_THIS_COUNTER: (409, "Counter {counter} does not serve ticket {ticket}."),
    Code.BAD_TRANSFER: (422, "Name either another service or another counter to send the person to."),
    Code.NOTHING_TO_UNDO: (409, "There is nothing to undo at counter {counter}."),
    Code.UNDO_TOO_LATE: (409, "Too late to undo: it may be done within {limit_s} seconds."),
    Code.UNDO_MOVED_ON: (409, "The visit has moved on since; this can no longer be undone."),
}
"""Status and sentence of every refusal by the rules."""

_HTTP = {
    404: ("not-found", "There is nothing at this address."),
    405: (
        "method-not-allowed",
        "This address does not take that method; the Allow header lists those it does.",
    ),
}


def of_refusal(refused: Refused) -> Problem:
    """The problem that a refusal by the rules is answered with."""
    status, sentence = REFUSALS[refused.code]
    facts = dict(refused.facts)
    known = facts.pop("known", None)
    detail = sentence.format_map(facts)
    if isinstance(known, list):
        names = {name.lower(): name for name in known}
        near = difflib.get_close_matches(str(facts.get("service", "")).lower(), names, n=1)
        if near:
            facts["nearest"] = names[near[0]]
            detail += f" Did you mean {names[near[0]]}?"
    return Problem(status, refused.code.value, detail, **facts)


def of_exception(error: Exception) -> Problem:
    """The problem for anything that a handler may raise; what is unforeseen is logged and told as a 500."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refused):
        return of_refusal(error)
    if isinstance(error, KeyReused):
        return Problem(
            422, "idempotency-key-reused", "This Idempotency-Key was used before for another request."
        )
    if isinstance(error, Unavailable):
        return Problem(503, "unavailable", "The server cannot do this now; try again with the same key.")
    if isinstance(error, HTTPException):
        code, detail = _HTTP.get(error.status_code, ("http-error", "This request cannot be answered."))
        return Problem(error.status_code, code, detail)
    log.exception("unforeseen error", exc_info=error)
    return Problem(500, "internal-error", "Something went wrong here; it has been noted.")


def response(problem: Problem) -> Response:
    """The problem as ``application/problem+json``."""
    body: dict[str, Fact] = {
        "type": "about:blank",
        "title": http.HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    headers = {"Cache-Control": "no-store"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.status == 408:
        headers["Connection"] = "close"  # what still comes of the body is not the next request
    if problem.status in (429, 503):
        headers["Retry-After"] = str(problem.facts.get("retry_after_s", 1))
    return Response(
        msgspec.json.encode(body | {k: v for k, v in problem.facts.items() if k not in body}),
        problem.status,
        headers,
        "application/problem+json",
    )


async def handle(_request: Request, error: Exception) -> Response:
    """Starlette's hook for every exception."""
    answer = response(of_exception(error))
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer
