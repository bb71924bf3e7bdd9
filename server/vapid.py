"""The key pair by which push services know this server (RFC 8292).

It lies outside the database: in ``ONTHAAL_VAPID`` or in a file beside the SQLite file, readable by its
owner only. Browsers subscribe to its public half: with another pair all of them must subscribe anew.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.keys import BadKey, make

SECRET_BYTES = 32
"""A private key on P-256, written as 43 characters of base64url."""


class Vapid:
    """A key pair; ``public`` is what a page gives its browser as ``applicationServerKey``."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = _text(point)


def load_vapid(database: Path) -> Vapid:
    """The key pair of a database: from ``ONTHAAL_VAPID``, else ``<database>.vapid``, made if absent."""
    given = os.environ.get("ONTHAAL_VAPID")
    if given is not None:
        return Vapid(_key(given, "ONTHAAL_VAPID"))
    path = database.with_name(database.name + ".vapid")
    if not path.exists():
        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        make(path, _text(number.to_bytes(SECRET_BYTES, "big")))
    return Vapid(_key(path.read_text(), str(path)))


def _key(text: str, where: str) -> ec.EllipticCurvePrivateKey:
    text = text.strip()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadKey(f"{where}: not base64url") from error
    if len(raw) != SECRET_BYTES:
        raise BadKey(f"{where}: a VAPID key has {SECRET_BYTES} bytes, this one {len(raw)}")
    try:
        return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
    except ValueError as error:
        raise BadKey(f"{where}: no private key of the curve P-256") from error


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
