"""The OpenAPI 3.1 document, made from the endpoints and the types that parse their requests."""

from __future__ import annotations

from typing import Any

import msgspec

from displays import views
from displays.protocol import FrameOf
from server.access import RIGHTS, Role
from server.web import bodies
from server.web.api import ENDPOINTS
from server.web.endpoint import KEY_PATTERN, Endpoint

TicketFrame = FrameOf[views.TicketView]

_TEMPLATE = "#/components/schemas/{name}"
_PATH_TYPES: dict[str, Any] = {
    "site": bodies.Slug,
    "counter": bodies.CounterName,
    "ref": bodies.Ref,
    "visit": bodies.VisitName,
    "device": bodies.DeviceName,
    "delivery": bodies.DeliveryName,
    "message": bodies.MessageName,
    "recipient": bodies.RecipientName,
    "service": bodies.ServiceName,
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same request is carried out once and answered alike.",
    "schema": {"type": "string", "pattern": f"^{KEY_PATTERN.pattern}$"},
}
_SECRET = {"name": "secret", "in": "path", "required": True, "schema": {"type": "string"}}
_MEANING = {
    400: "Malformed: no JSON, or no Idempotency-Key",
    401: "No valid token or session",
    403: "Not allowed with this token or session, at this site or counter, or from another house's page",
    404: "No such site, counter, ticket or appointment",
    408: "The body did not arrive in time",
    409: "Not now: the rules of the hall do not allow it; `code` says which",
    413: "The body is too large",
    415: "The body is not declared as JSON",
    422: "Well-formed but wrong: `detail` says where",
    429: "Too often: `Retry-After` says how long to wait",
    503: "Not able to now; try again with the same key",
}


_AHEAD = ("appointment-cancelled", "appointment-moved", "appointment-over", "appointment-reported")
_ANSWERS: dict[str, tuple[str, type[bodies.Reply], tuple[str, ...]]] = {
    "confirm": ("The citizen will come", bodies.Reply, _AHEAD),
    "late": (
        "The citizen comes later and is promised that the place is kept",
        bodies.LateReply,
        (*_AHEAD, "late-too-early", "late-too-late", "late-too-long"),
    ),
    "cancel": ("The citizen cannot come", bodies.Reply, _AHEAD[1:]),
    "call-back": ("The citizen wishes to be called back", bodies.Reply, (*_AHEAD, "no-number")),
}
"""What is said by who has an appointment's link: a summary, the body, and what may stand against it."""


def document(version: str) -> dict[str, Any]:
    """The whole document."""
    kinds: list[Any] = [bodies.ProblemBody, TicketFrame, views.AppointmentView, bodies.Booked]
    kinds += [bodies.Reply, bodies.LateReply, bodies.Rating, bodies.Rated]
    for endpoint in ENDPOINTS:
        kinds += [kind for kind in (endpoint.body, endpoint.answer) if kind is not None]
    kinds = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    schema_of = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of)
    paths["/visits/{secret}"] = {"get": _ticket(schema_of)}
    paths["/visits/{secret}/leave"] = {"post": _leave(schema_of)}
    paths["/visits/{secret}/satisfaction"] = {"post": _rate(schema_of)}
    paths["/appointments/{secret}"] = {"get": _appointment(schema_of)}
    for answer, (summary, body, codes) in _ANSWERS.items():
        paths[f"/appointments/{{secret}}/{answer}"] = {
            "post": _answer(answer, summary, body, codes, schema_of)
        }
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Onthaal",
            "version": version,
            "description": "Tickets, appointments, counters and live views of a city's front office. "
            "Every answer to a command carries the `seq` of the site's journal that it reached.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    _put_patterns(whole)
    return whole


def _put_patterns(node: Any) -> None:
    """Write patterns as JSON Schema means them: its ``$`` is the very end, as ``\\Z`` is in Python."""
    if isinstance(node, dict):
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            node["pattern"] = pattern.replace("\\Z", "$")
        for value in node.values():
            _put_patterns(value)
    elif isinstance(node, list):
        for value in node:
            _put_patterns(value)


def _operation(endpoint: Endpoint, schema_of: dict[Any, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [_path_parameter(name) for name in endpoint.names]
    for name, kind, required in endpoint.query:
        parameters.append(
            {"name": name, "in": "query", "required": required, "schema": msgspec.json.schema(kind)}
        )
    if endpoint.keyed:
        parameters.append({**_KEY, "required": endpoint.method == "POST"})
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "description": f"Needs the right `{endpoint.right.value}`: "
        + ", ".join(role.value for role in Role if role in RIGHTS[endpoint.right])
        + ".",
        "parameters": parameters,
        "responses": {"200": _json("Done", schema_of[endpoint.answer])},
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": bool(_required(endpoint.body)),
            "content": {"application/json": {"schema": schema_of[endpoint.body]}},
        }
    for status, codes in endpoint.problems().items():
        operation["responses"][str(status)] = _problem(status, codes, schema_of)
    return operation


def _ticket(schema_of: dict[Any, Any]) -> dict[str, Any]:
    return {
        "operationId": "get_visit",
        "summary": "The ticket's frame, for who has its link",
        "security": [],
        "parameters": [_SECRET],
        "responses": {
            "200": _json("Done", schema_of[TicketFrame]),
            "404": _problem(404, ["unknown-ticket"], schema_of),
        },
    }


def _leave(schema_of: dict[Any, Any]) -> dict[str, Any]:
    problems = {
        400: ["body-cut-short", "idempotency-key-invalid", "idempotency-key-required", "malformed-json"],
        403: ["foreign-origin"],
        404: ["unknown-ticket"],
        408: ["body-too-slow"],
        409: ["day-over", "not-waiting"],
        413: ["body-too-large"],
        415: ["not-json"],
        422: ["idempotency-key-reused", "invalid-body"],
        503: ["unavailable"],
    }
    return {
        "operationId": "post_visit_leave",
        "summary": "The citizen does not wait any longer: said by who has the ticket's link",
        "security": [],
        "parameters": [_SECRET, {**_KEY, "required": True}],
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": schema_of[bodies.Nothing]}},
        },
        "responses": {
            "200": _json("Done", schema_of[bodies.Moved]),
            **{str(status): _problem(status, codes, schema_of) for status, codes in problems.items()},
        },
    }


def _rate(schema_of: dict[Any, Any]) -> dict[str, Any]:
    problems = {
        400: ["body-cut-short", "idempotency-key-invalid", "idempotency-key-required", "malformed-json"],
        403: ["foreign-origin"],
        404: ["unknown-ticket"],
        408: ["body-too-slow"],
        409: ["rating-closed", "visit-not-over"],
        413: ["body-too-large"],
        415: ["not-json"],
        422: ["idempotency-key-reused", "invalid-body"],
        503: ["unavailable"],
    }
    return {
        "operationId": "post_visit_satisfaction",
        "summary": "How the visit was: said by who has the ticket's link, once it is over",
        "security": [],
        "parameters": [_SECRET, {**_KEY, "required": True}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema_of[bodies.Rating]}},
        },
        "responses": {
            "200": _json("Done", schema_of[bodies.Rated]),
            **{str(status): _problem(status, codes, schema_of) for status, codes in problems.items()},
        },
    }


def _appointment(schema_of: dict[Any, Any]) -> dict[str, Any]:
    return {
        "operationId": "get_appointment",
        "summary": "The appointment as its citizen sees it, for who has its link",
        "security": [],
        "parameters": [_SECRET],
        "responses": {
            "200": _json("Done", schema_of[views.AppointmentView]),
            "404": _problem(404, ["unknown-appointment"], schema_of),
            "503": _problem(503, ["unavailable"], schema_of),
        },
    }


def _answer(
    name: str, summary: str, body: type[bodies.Reply], codes: tuple[str, ...], schema_of: dict[Any, Any]
) -> dict[str, Any]:
    problems = {
        400: ["body-cut-short", "idempotency-key-invalid", "idempotency-key-required", "malformed-json"],
        403: ["foreign-origin"],
        404: ["unknown-appointment"],
        408: ["body-too-slow"],
        409: sorted(codes),
        413: ["body-too-large"],
        415: ["not-json"],
        422: ["idempotency-key-reused", "invalid-body"],
        503: ["unavailable"],
    }
    return {
        "operationId": f"post_appointment_{name}".replace("-", "_"),
        "summary": f"{summary}: said by who has the appointment's link",
        "security": [],
        "parameters": [_SECRET, {**_KEY, "required": True}],
        "requestBody": {
            "required": bool(_required(body)),
            "content": {"application/json": {"schema": schema_of[body]}},
        },
        "responses": {
            "200": _json("Done", schema_of[bodies.Booked]),
            **{str(status): _problem(status, found, schema_of) for status, found in problems.items()},
        },
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": msgspec.json.schema(_PATH_TYPES[name]),
    }


def _operation_id(endpoint: Endpoint) -> str:
    parts = [part.strip("{}") for part in endpoint.path.split("/") if part]
    return "_".join([endpoint.method.lower(), *parts]).replace("-", "_")


def _required(body: type[bodies.Body]) -> list[str]:
    return [item.name for item in msgspec.structs.fields(body) if item.required]


def _json(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problem(status: int, codes: list[str], schema_of: dict[Any, Any]) -> dict[str, Any]:
    coded = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return {
        "description": _MEANING[status],
        "content": {
            "application/problem+json": {"schema": {"allOf": [schema_of[bodies.ProblemBody], coded]}}
        },
    }
