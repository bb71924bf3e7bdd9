"""A site's logo: an SVG that draws, and does nothing else."""

from __future__ import annotations

import re
from xml.etree import ElementTree

LOGO_BYTES = 32 * 1024
"""The longest logo: every screen and phone loads it."""

_SVG = "{http://www.w3.org/2000/svg}"
_ACTIVE = frozenset(
    {"script", "foreignobject", "handler", "listener", "iframe", "object", "embed", "audio", "video"}
)
_DECLARATION = re.compile(r"\A\s*<\?xml\s[^?]*\?>")
_OWN = re.compile(r"#|data:image/(png|jpeg|webp)[;,]", re.IGNORECASE)
_STYLE = re.compile(r"url\(\s*['\"]?(?!#)|@import|image-set|\\", re.IGNORECASE)
"""What makes a style ask for something else; a backslash could hide it."""


class BadLogo(Exception):
    """The text is no logo; its message says why."""


def checked(text: str) -> str:
    """The SVG without its XML declaration, ready to be served as UTF-8. Raises :class:`BadLogo`."""
    text = _DECLARATION.sub("", text).strip()
    if len(text.encode()) > LOGO_BYTES:
        raise BadLogo(f"is longer than {LOGO_BYTES // 1024} kB")
    # Before it is read: a document type may name files and grow without end.
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise BadLogo("has a document type: leave it out")
    if "<?" in text:
        raise BadLogo("has a processing instruction: leave it out")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise BadLogo(f"is not SVG: {error}") from None
    if root.tag != f"{_SVG}svg":
        raise BadLogo('is not SVG: it must begin with <svg xmlns="http://www.w3.org/2000/svg">')
    for element in root.iter():
        _check(element)
    return text


def _check(element: ElementTree.Element) -> None:
    name = _local(element.tag)
    if name.lower() in _ACTIVE:
        raise BadLogo(f"holds <{name}>, which a logo may not")
    if name == "style" and _STYLE.search(element.text or ""):
        raise BadLogo("has a style that refers to something outside of it")
    for key, value in element.attrib.items():
        attribute = _local(key)
        if attribute.lower().startswith("on"):
            raise BadLogo(f'has the event attribute "{attribute}"')
        if attribute.lower() in ("href", "src") and not _OWN.match(value.strip()):
            raise BadLogo(f'refers to something outside of it: {attribute}="{value[:60]}"')
        if _STYLE.search(value):
            raise BadLogo(f'refers to something outside of it: {attribute}="{value[:60]}"')


def _local(name: str) -> str:
    return name.rpartition("}")[2]
