"""What staff do at a counter."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from server.access import Right
from server.domain import commands as co
from server.domain import events as ev
from server.domain.refusal import Code
from server.live import Decided
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, Plan

COUNTER = SITE + "/counters/{counter}"


def _at_counter(decided: Decided) -> bodies.AtCounterNow:
    name = cast(co.Start, decided.command).counter
    counter = decided.day.counter(name)
    visit = decided.day.visits.get(counter.visit or "")
    call = next((event.call for event in decided.events if isinstance(event, ev.Recalled)), None)
    return bodies.AtCounterNow(
        decided.day.seq, name, counter.mode.value, visit.ticket if visit else None, call
    )


def _called(decided: Decided) -> bodies.CalledOut:
    for event in decided.events:
        if isinstance(event, ev.Called):
            ticket = decided.day.visits[event.visit].ticket
            return bodies.CalledOut(decided.day.seq, ticket, event.call, event.rule, list(event.overtook))
    return bodies.CalledOut(decided.day.seq, None, None, None, [])


def _next(ask: Ask) -> Plan:
    return Plan(lambda _known: co.CallNext(counter=ask.names["counter"]), _called)


def _call(ask: Ask) -> Plan:
    return Plan(lambda _known: co.CallTicket(counter=ask.names["counter"], ticket=ask.body.ticket), _called)


def _open(ask: Ask) -> Plan:
    staff = ask.body.staff or ask.principal.account
    command = co.OpenCounter(counter=ask.names["counter"], staff=staff)
    return Plan(lambda _known: command, _at_counter)


def _transfer(ask: Ask) -> Plan:
    body: bodies.Sending = ask.body
    command = co.Transfer(
        counter=ask.names["counter"],
        to_service=body.service,
        to_counter=body.counter,
        staff=body.staff,
        accompanied=body.accompanied,
    )
    return Plan(lambda _known: command, _at_counter)


def _plain(command: type[co.CounterCommand]) -> Callable[[Ask], Plan]:
    return lambda ask: Plan(
        lambda _known: cast(type[co.Recall], command)(counter=ask.names["counter"]), _at_counter
    )


_AT = (Code.NOBODY_AT_COUNTER, Code.DAY_OVER)
_CALLED = (*_AT, Code.NOT_CALLED)
_READY = (Code.COUNTER_BUSY, Code.COUNTER_NOT_OPEN, Code.DAY_OVER)

_PLAIN: tuple[tuple[str, type[co.CounterCommand], str, tuple[Code, ...]], ...] = (
    (
        "pause",
        co.PauseCounter,
        "No further calls for now; who is at the counter stays",
        (Code.COUNTER_NOT_OPEN, Code.DAY_OVER),
    ),
    ("close", co.CloseCounter, "Close the counter", (Code.COUNTER_BUSY, Code.DAY_OVER)),
    ("recall", co.Recall, "Say the call again, under a new call id", _CALLED),
    ("start", co.Start, "The called person is at the counter", _CALLED),
    ("finish", co.Finish, "The person is helped; a further service of the same visit waits again", _AT),
    (
        "no-show",
        co.NoShow,
        "The called person did not come, after the set number of recalls",
        (*_CALLED, Code.RECALL_FIRST),
    ),
    ("park", co.Park, "The person goes to fetch something and keeps the seniority", _AT),
    (
        "undo",
        co.Undo,
        "Take back the counter's last event, within two minutes",
        (Code.NOTHING_TO_UNDO, Code.UNDO_TOO_LATE, Code.UNDO_MOVED_ON, Code.DAY_OVER),
    ),
)
"""The commands that need nothing but their counter: name, type, summary, refusals."""

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST",
        COUNTER + "/open",
        Right.RUN_COUNTER,
        "Open the counter",
        bodies.AtCounterNow,
        bodies.Opening,
        _open,
        refusals=(Code.DAY_OVER,),
    ),
    Endpoint(
        "POST",
        COUNTER + "/next",
        Right.RUN_COUNTER,
        "Call who is next by the rules; ticket is null where nobody waits",
        bodies.CalledOut,
        bodies.Nothing,
        _next,
        refusals=_READY,
    ),
    Endpoint(
        "POST",
        COUNTER + "/call",
        Right.RUN_COUNTER,
        "Call this ticket, whoever is next",
        bodies.CalledOut,
        bodies.Summons,
        _call,
        refusals=(*_READY, Code.UNKNOWN_TICKET, Code.NOT_WAITING, Code.NOT_THIS_COUNTER),
    ),
    Endpoint(
        "POST",
        COUNTER + "/transfer",
        Right.RUN_COUNTER,
        "Send the person on to a service or a counter",
        bodies.AtCounterNow,
        bodies.Sending,
        _transfer,
        refusals=(
            *(*_AT, Code.BAD_TRANSFER, Code.UNKNOWN_SERVICE),
            *(Code.UNKNOWN_COUNTER, Code.COUNTER_NOT_OPEN),
        ),
    ),
    *(
        Endpoint(
            "POST",
            f"{COUNTER}/{name}",
            Right.RUN_COUNTER,
            summary,
            bodies.AtCounterNow,
            bodies.Nothing,
            _plain(command),
            refusals=refusals,
        )
        for name, command, summary, refusals in _PLAIN
    ),
)
"""The endpoints of counters."""
