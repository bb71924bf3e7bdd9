"""A site's theme as its pages load it: ``/{site}/theme.css`` and ``/{site}/logo.svg``."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from server.domain.theme import Theme, mixed
from server.web.endpoint import Parts
from server.web.errors import Problem

_DEFAULT = Theme()
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""An SVG opened by itself is a document, which may draw and nothing else."""


def style(theme: Theme) -> str:
    """The style sheet that makes pages look like a site's theme: what differs from ``tokens.css``."""
    colours = {name: getattr(theme, name) for name in ("night", "dusk", "snow", "mist", "sun")}
    colours |= {"ink": theme.ink, "harbour": theme.harbour}
    changed = {name: value for name, value in colours.items() if value != getattr(_DEFAULT, name)}
    if changed.keys() & {"night", "snow"}:
        changed |= {
            "rule": mixed(theme.night, theme.snow, 0.22),
            "steel": mixed(theme.night, theme.snow, 0.5),
        }
    if "harbour" in changed:
        changed |= {"harbour-deep": mixed(theme.harbour, "#000000", 0.25), "focus": theme.harbour}
    lines = [f"  --{name}: {value};" for name, value in changed.items()]
    if theme.font:
        lines.append(f'  --font: "{theme.font}", "Fira Sans", system-ui, sans-serif;')
    return "\n".join([":root {", *lines, "}", ""])


class ThemeFiles:
    """The handlers; what they serve is public, as a city's looks are."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def css(self, request: Request) -> Response:
        """``/{site}/theme.css``, after ``tokens.css``."""
        return tagged(request, style(self._theme(request)), "text/css", {})

    async def logo(self, request: Request) -> Response:
        """``/{site}/logo.svg``."""
        logo = self._theme(request).logo
        if not logo:
            raise Problem(404, "not-found", "This site has no logo.")
        return tagged(request, logo, "image/svg+xml", {"Content-Security-Policy": _LOGO_POLICY})

    def _theme(self, request: Request) -> Theme:
        site = self._parts.live.sites.get(request.path_params["site"])
        if site is None:
            raise Problem(404, "unknown-site", "There is no such page.")
        return site.house.theme


def tagged(request: Request, content: str | bytes, kind: str, headers: dict[str, str]) -> Response:
    """A file with its ``ETag``; 304 for who has it already."""
    raw = content.encode() if isinstance(content, str) else content
    tag = f'"{hashlib.sha256(raw).hexdigest()[:32]}"'
    headers = {**_HEADERS, **headers, "ETag": tag}
    if tag in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(raw, headers=headers, media_type=kind)
