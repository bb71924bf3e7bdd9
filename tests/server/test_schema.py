"""The server against its own OpenAPI document: schemathesis, all checks, over real HTTP.

What a valid request may be answered with beyond a 200 is listed here, each status with its reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from running import Onthaal, onthaal
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation

from server.routes import VERSION
from server.web.openapi import document

SITE = "/sites/{site}"
APPOINTMENT = SITE + "/appointments/{ref}"
VISIT = SITE + "/visits/{visit}"
COUNTER = SITE + "/counters/{counter}"
EXAMPLES = 12
"""Generated requests an operation, besides those that cover each constraint of the document once."""

REFS = ("S-1", "S-2", "S-3")
SLOTS = ("2026-11-23T10:00:00+01:00", "2026-12-01T08:30:00Z", "2027-06-01T09:00:00+02:00")
WRONG_SLOTS = ("2026-11-22T10:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")
WALLS = ["2026-11-23T10:00", "2026-12-01T08:30", "2027-06-01T09:00", "2026-11-31T09:00", "2026-11-22T09:00"]

ROLES = {
    SITE: "screen",
    SITE + "/views/hall": "screen",
    SITE + "/views/counters/{counter}": "counter",
    SITE + "/views/reception": "reception",
    SITE + "/views/management": "supervisor",
    SITE + "/journal": "administrator",
    SITE + "/punctuality": "supervisor",
    SITE + "/figures": "supervisor",
    SITE + "/calibration": "supervisor",
    SITE + "/visits": "kiosk",
    SITE + "/appointments": "reception",
    APPOINTMENT: "integrator",
    APPOINTMENT + "/confirm": "integrator",
    APPOINTMENT + "/late": "reception",
    APPOINTMENT + "/report": "kiosk",
    APPOINTMENT + "/came": "reception",
    VISIT + "/return": "kiosk",
    VISIT + "/leave": "reception",
    VISIT + "/priority": "reception",
    VISIT + "/bind": "reception",
    SITE + "/staff": "reception",
    SITE + "/devices": "supervisor",
    SITE + "/devices/asking": "supervisor",
    SITE + "/devices/deny": "supervisor",
    SITE + "/devices/{device}/revoke": "supervisor",
    SITE + "/webhooks": "supervisor",
    SITE + "/webhooks/failures": "administrator",
    SITE + "/webhooks/{delivery}/again": "supervisor",
    SITE + "/call-backs": "reception",
    APPOINTMENT + "/call-back": "reception",
    APPOINTMENT + "/called-back": "reception",
    APPOINTMENT + "/contact": "integrator",
    APPOINTMENT + "/opt-out": "reception",
    VISIT + "/contact": "reception",
    SITE + "/messages": "reception",
    SITE + "/messages/{message}": "supervisor",
    SITE + "/services/{service}/first-free": "integrator",
    SITE + "/satisfaction/words": "supervisor",
    SITE + "/alerts": "supervisor",
    SITE + "/alerts/recipients": "supervisor",
    SITE + "/alerts/recipients/{recipient}": "supervisor",
}
"""Which token an operation is called with; operations of a counter take a counter's."""

_WHOLE = "a whole number written as 5.0, an integer to JSON Schema and a slip to us"
_NO_SECRET = {404: "nobody guesses an appointment's secret"}
_NO_REF = {404: "no appointment is booked under most references"}
_NO_VISIT = {404: "most tickets were never drawn"}
_NOBODY = {409: "most of the time nobody is at the counter"}
_GUESSED = {404: "nobody guesses a device's code", 429: "nor may many be tried"}
_NO_ACCOUNT = {409: "a token is nobody's account", 422: "no address, or a subscription to nowhere"}
EXPECTED: dict[str, dict[int, str]] = {
    f"GET {SITE}/punctuality": {422: "a last day before the first, or too many days between them"},
    f"GET {SITE}/calibration": {422: "a last day before the first, or too many days between them"},
    f"GET {SITE}/figures": {422: "such days, or what nothing can be told by"},
    f"GET {SITE}/alerts/recipients": _NO_ACCOUNT,
    f"POST {SITE}/alerts/recipients": _NO_ACCOUNT,
    f"DELETE {SITE}/alerts/recipients/{{recipient}}": _NO_ACCOUNT,
    f"PUT {APPOINTMENT}": {
        409: "the citizen of this appointment has reported in the meantime",
        422: "slots of the past, or more than two years ahead; a number may be none",
    },
    f"POST {SITE}/appointments": {422: "days that there are not, or are past; a number may be none"},
    f"DELETE {APPOINTMENT}": {**_NO_REF, 409: "the citizen of this appointment has reported"},
    f"POST {APPOINTMENT}/report": {**_NO_REF, 409: "cancelled, or not for today", 422: _WHOLE},
    f"POST {APPOINTMENT}/confirm": {**_NO_REF, 409: "cancelled, or reported"},
    f"POST {APPOINTMENT}/late": {**_NO_REF, 409: "cancelled, or reported", 422: _WHOLE},
    f"POST {APPOINTMENT}/came": {**_NO_REF, 409: "cancelled"},
    f"POST {SITE}/visits": {
        409: "the service takes no walk-ins",
        422: "`then` may name services that the house does not have; a number may be none",
    },
    f"POST {VISIT}/return": {**_NO_VISIT, 409: "the visit is not away"},
    f"POST {VISIT}/leave": {**_NO_VISIT, 409: "the visit does not wait"},
    f"POST {VISIT}/priority": {**_NO_VISIT, 409: "the visit is over"},
    f"POST {VISIT}/bind": {**_NO_VISIT, 409: "the visit is over"},
    f"POST {COUNTER}/pause": {409: "the counter is closed"},
    f"POST {COUNTER}/close": {409: "somebody is at the counter"},
    f"POST {COUNTER}/next": {409: "the counter is busy or not open"},
    f"POST {COUNTER}/call": {**_NO_VISIT, 409: "the counter is busy or not open, the ticket does not wait"},
    f"POST {COUNTER}/recall": _NOBODY,
    f"POST {COUNTER}/start": _NOBODY,
    f"POST {COUNTER}/finish": _NOBODY,
    f"POST {COUNTER}/no-show": {409: "nobody is at the counter, or was not recalled yet"},
    f"POST {COUNTER}/park": _NOBODY,
    f"POST {COUNTER}/undo": {409: "there is nothing to undo"},
    f"POST {COUNTER}/transfer": {
        404: "a counter that the house does not have",
        409: "nobody is at the counter, or the other one is closed",
        422: "names neither a service nor a counter, or both",
    },
    f"GET {SITE}/devices/asking": _GUESSED,
    f"POST {SITE}/devices": {**_GUESSED, 422: "a screen that the house does not have"},
    f"POST {SITE}/devices/deny": _GUESSED,
    f"POST {SITE}/devices/{{device}}/revoke": {404: "nobody guesses a device's id"},
    f"POST {SITE}/webhooks/{{delivery}}/again": {404: "nobody guesses a delivery's id"},
    f"GET {APPOINTMENT}/contact": _NO_REF,
    f"DELETE {APPOINTMENT}/contact": _NO_REF,
    f"POST {APPOINTMENT}/opt-out": _NO_REF,
    f"DELETE {APPOINTMENT}/opt-out": _NO_REF,
    f"DELETE {VISIT}/contact": _NO_VISIT,
    f"GET {SITE}/messages": {422: "`after` that is no message of this site"},
    f"GET {SITE}/messages/{{message}}": {404: "nobody guesses a message's id"},
    f"GET {APPOINTMENT}/call-back": {**_NO_REF, 409: "nobody asked to be called back"},
    f"POST {APPOINTMENT}/called-back": _NO_REF,
    "GET /appointments/{secret}": _NO_SECRET,
    "POST /appointments/{secret}/confirm": _NO_SECRET,
    "POST /appointments/{secret}/late": _NO_SECRET,
    "POST /appointments/{secret}/cancel": _NO_SECRET,
    "POST /appointments/{secret}/call-back": _NO_SECRET,
    "GET /visits/{secret}": {404: "nobody guesses a ticket's secret"},
    "POST /visits/{secret}/leave": {404: "nobody guesses a ticket's secret"},
    "POST /visits/{secret}/satisfaction": {404: "nobody guesses a ticket's secret", 422: _WHOLE},
    f"PUT {SITE}/services/{{service}}/first-free": {
        404: "services that the house does not have",
        409: "a service without appointments",
        422: "slots of the past, or more than two years ahead",
    },
    f"GET {SITE}/satisfaction/words": {422: "a last day before the first"},
}
"""Beyond 200, what a valid request may be answered with, and why."""

_keys = itertools.count(1)


@schemathesis.hook
def before_call(_context: object, case: schemathesis.Case, _kwargs: object) -> None:
    """Generated keys repeat, and one that comes again with another request is rightly refused."""
    given = case.headers or {}
    wrong = case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)
    if "Idempotency-Key" in given and not wrong:
        case.headers["Idempotency-Key"] = f"schema-{next(_keys)}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    """A Monday morning with an appointment, a ticket that waits, and one that is at a counter."""
    with onthaal(tmp_path_factory.mktemp("schema")) as running:
        for ref, at in zip(REFS[:2], SLOTS[:2], strict=True):
            answer = running.client("integrator").put(
                f"/sites/mechelen/appointments/{ref}", json={"service": "bevolking", "at": at}
            )
            assert answer.status_code == 200
        reception, counter = running.client("reception"), running.client("counter")
        for _ in range(3):
            answer = reception.post("/sites/mechelen/visits", json={"service": "onthaal"})
            assert answer.status_code == 200
        assert counter.post("/sites/mechelen/counters/1/open").status_code == 200
        assert counter.post("/sites/mechelen/counters/1/next").json()["ticket"] == "A001"
        yield running


def suited() -> dict[str, Any]:
    """The document, with the names that this house has, so that requests reach its rules."""
    raw = document(VERSION)
    names = {
        "site": ["mechelen"],
        "counter": ["1", "2", "3"],
        "visit": ["A001", "A002", "A003", "Z999"],
        "ref": [*REFS, "none"],
        "service": ["bevolking", "bouwen", "afhalen", "none"],
    }
    for operations in raw["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in names:
                    parameter["schema"]["enum"] = names[parameter["name"]]
    bodies = raw["components"]["schemas"]
    bodies["Draw"]["properties"]["service"]["enum"] = ["onthaal", "attesten", "bevolking"]
    bodies["Booking"]["properties"]["service"]["enum"] = ["bevolking", "bouwen"]
    bodies["Booking"]["properties"]["at"]["enum"] = [*SLOTS, *WRONG_SLOTS]
    bodies["FirstFree"]["properties"]["at"] = {"enum": [*SLOTS, *WRONG_SLOTS, None]}
    bodies["Making"]["properties"]["service"]["enum"] = ["bevolking", "bouwen"]
    bodies["Making"]["properties"]["wall"]["enum"] = WALLS
    bodies["Summons"]["properties"]["ticket"]["enum"] = names["visit"]
    return raw


def configured(raw: dict[str, Any]) -> SchemathesisConfig:
    """Deterministic, bounded, and for each operation only the answers that are listed above."""
    labels = [f"{method.upper()} {path}" for path, methods in raw["paths"].items() for method in methods]
    assert EXPECTED.keys() <= set(labels)
    return SchemathesisConfig.from_dict(
        {
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
            "operations": [
                {
                    "include-name": label,
                    "checks": {
                        "positive_data_acceptance": {"expected-statuses": [200, *EXPECTED.get(label, {})]}
                    },
                }
                for label in labels
            ],
        }
    )


_raw = suited()
schema = schemathesis.openapi.from_dict(_raw, config=configured(_raw))


@schema.parametrize()
def test_every_operation_keeps_what_its_document_promises(case: schemathesis.Case, house: Onthaal) -> None:
    headers = {"Authorization": f"Bearer {house.token(ROLES.get(case.operation.path, 'counter'))}"}
    if case.operation.schema.is_security_param_negated(case):
        headers = {}
    case.call_and_validate(base_url=house.base + "/api/v1", headers=headers)


def test_the_document_is_the_one_that_the_server_gives(house: Onthaal) -> None:
    assert httpx.get(house.base + "/api/v1/openapi.json").json() == document(VERSION)
