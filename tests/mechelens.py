"""Several houses like that of Mechelen, for tests that share a server and no hall."""

from __future__ import annotations

from pathlib import Path

from running import MECHELEN

LOGO = """[sites.mechelen.theme]
logo = '<svg xmlns="http://www.w3.org/2000/svg"/>'

"""


def mechelens(folder: Path, number: int) -> Path:
    """A configuration of so many houses like that of Mechelen: house-1, house-2, ..."""
    text = MECHELEN.read_text().replace("[sites.mechelen.opening]", LOGO + "[sites.mechelen.opening]")
    file = folder / "mechelens.toml"
    file.write_text("".join(text.replace("sites.mechelen", f"sites.house-{n + 1}") for n in range(number)))
    return file
