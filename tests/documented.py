"""Holds every answer that a test gets to the OpenAPI document: no status and no code beyond it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
from running import Onthaal

PREFIX = "/api/v1"
ANYWHERE = {405, 500}
"""Statuses that no operation documents: a method that is none, a bug."""


class Document:
    """A server's OpenAPI document, to be held against its answers."""

    def __init__(self, server: Onthaal) -> None:
        self.paths: dict[str, Any] = httpx.get(server.base + PREFIX + "/openapi.json").json()["paths"]
        self._patterns = {
            # Templates with fewer names first, as the router prefers what is written out.
            path: re.compile(re.sub(r"{\w+}", r"[^/]+", PREFIX + path))
            for path in sorted(self.paths, key=lambda path: path.count("{"))
        }

    def watch(self, client: httpx.Client) -> httpx.Client:
        """The client, failing at the first answer that is not documented."""
        client.event_hooks = {**client.event_hooks, "response": [self.check]}
        return client

    def check(self, response: httpx.Response) -> None:
        """Raise ``AssertionError`` unless the document has this answer."""
        response.read()
        path = response.request.url.path
        template = next((name for name, pattern in self._patterns.items() if pattern.fullmatch(path)), None)
        if template is None or response.status_code in ANYWHERE:
            return
        operation = self.paths[template].get(response.request.method.lower())
        assert operation is not None, (template, response)
        documented = operation["responses"].get(str(response.status_code))
        assert documented is not None, f"{template} {response.status_code} {response.text}"
        (kind,) = documented["content"]
        assert response.headers["content-type"] == kind
        assert response.headers["cache-control"] == "no-store"
        if not response.is_success:
            (schema,) = (
                part for part in documented["content"][kind]["schema"]["allOf"] if "$ref" not in part
            )
            body = msgspec.json.decode(response.content)
            assert body["code"] in schema["properties"]["code"]["enum"], (template, body)
            check_problem(response)


def check_problem(response: httpx.Response, status: int | None = None, code: str | None = None) -> Any:
    """The problem of an answer, whose form is that of RFC 9457 with a stable code and a sentence."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert re.fullmatch(r"[a-z][a-z0-9-]+", body["code"])
    assert body["type"] == "about:blank"
    assert body["title"]
    sentence = body["detail"]
    assert sentence[-1] in ".?", sentence
    assert not re.search(r"{[a-z_]+}", sentence), sentence
    assert "None" not in sentence, sentence
    if response.status_code == 401:
        assert response.headers["www-authenticate"] == "Bearer"
    if status is not None:
        assert (response.status_code, body["code"]) == (status, code), body
    return body
