"""A file as numbered lines, however large it is: only one of them is held at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from server.intake.rows import LINE_BYTES

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end. ``number`` counts from 1; ``text`` is None where ``wrong`` says why."""

    number: int
    text: str | None
    wrong: str = ""


def lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of a file in UTF-8, with or without a byte order mark."""
    number = 0
    while raw := file.readline(LINE_BYTES + 1):
        number += 1
        if len(raw) > LINE_BYTES:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(LINE_BYTES)
            yield Line(number, None, f"is longer than {LINE_BYTES} bytes")
            continue
        if number == 1:
            raw = raw.removeprefix(_BOM)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            yield Line(number, None, "is not UTF-8")
            continue
        if "\0" in text:
            yield Line(number, None, "is not text")
            continue
        yield Line(number, text.rstrip("\r\n"))
