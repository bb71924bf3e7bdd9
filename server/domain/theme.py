"""A site's colours, typeface and logo, and whether its text can be read on its grounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

HALL = 7.0
"""The least contrast on a hall screen, which is read from afar."""
PAGES = 4.5
"""The least contrast elsewhere: WCAG 2.2, 1.4.3."""

PAPER, LINEN = "#ffffff", "#f1f4f7"
"""The grounds of pages, which no theme changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as ``#rrggbb``; ``font`` is a family that the player has; ``logo`` an SVG, or nothing.

    On hall screens text is ``snow`` or ``mist`` on the grounds ``night`` and ``dusk``, and a new call is
    ``night`` on ``sun``. Pages have text in ``ink``, and links and buttons in ``harbour``.
    """

    night: str = "#0b2034"
    dusk: str = "#143a5c"
    snow: str = "#ffffff"
    mist: str = "#bccbd9"
    sun: str = "#ffd034"
    ink: str = "#0b2034"
    harbour: str = "#0a4c86"
    font: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class TooPale:
    """A text colour on a ground with less contrast than is needed there; the names are those of settings."""

    text: str
    ground: str
    ratio: float
    needed: float


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb``, 0 for black to 1 for white.

    WCAG 2.2, "relative luminance": https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    """

    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """``colour`` with a share of ``other`` in it, channel by channel."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(own + (into - own) * share):02x}" for own, into in pairs)


def too_pale(theme: Theme) -> Iterator[TooPale]:
    """Every pair of text and ground that a page shows and that cannot be read well enough."""
    hall = [
        *(("snow", ground) for ground in ("night", "dusk")),
        *(("mist", ground) for ground in ("night", "dusk")),
        ("sun", "night"),
    ]
    for text, ground in hall:
        ratio = contrast(getattr(theme, text), getattr(theme, ground))
        if ratio < HALL:
            yield TooPale(text, ground, ratio, HALL)
    for text in ("ink", "harbour"):
        for ground in (PAPER, LINEN):
            ratio = contrast(getattr(theme, text), ground)
            if ratio < PAGES:
                yield TooPale(text, ground, ratio, PAGES)
    ratio = contrast(theme.snow, theme.harbour)
    if ratio < PAGES:
        yield TooPale("snow", "harbour", ratio, PAGES)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
