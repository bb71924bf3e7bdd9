"""What is derived from the server's key: visit links, the seal on contact data.

The key itself lies outside the database: in ``ONTHAAL_KEY`` (64 hexadecimal digits) or in a file
beside the SQLite file, made at the first start and readable by its owner only.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
ID_BYTES = 10
MAC_BYTES = 16
"""A visit's link carries 128 bits that only the key can make."""


_CODE = "23456789CFGHJMPQRVWX"
"""No vowels, and nothing that is taken for something else (the alphabet of Open Location Code)."""


class BadKey(Exception):
    """The server's key is missing or malformed; the message says where it is looked for."""


def fresh_id() -> str:
    """A new id: 80 random bits as 16 lower-case letters and digits."""
    return base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()


def fresh_code() -> str:
    """A new reference that people read aloud and type, ``CFGH-2345``: one of 25 billion, none a word."""
    letters = [secrets.choice(_CODE) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])


class Keys:
    """Everything that needs the server's key."""

    def __init__(self, key: bytes) -> None:
        self._links = hmac.digest(key, b"onthaal visit links 1", "sha256")
        self._seal = AESGCM(hmac.digest(key, b"onthaal contact seal 1", "sha256"))
        self._logins = hmac.digest(key, b"onthaal login marks 1", "sha256")
        self._addresses = hmac.digest(key, b"onthaal address marks 1", "sha256")
        self._appointments = hmac.digest(key, b"onthaal appointment links 1", "sha256")
        self._gateways = hmac.digest(key, b"onthaal gateway addresses 1", "sha256")
        self._lots = hmac.digest(key, b"onthaal lots 1", "sha256")
        self._persons = hmac.digest(key, b"onthaal person marks 1", "sha256")

    def visit_secret(self, visit: str) -> str:
        """The unguessable part of a visit's link: its id and a MAC over it, 35 characters."""
        return _secret(self._links, visit)

    def visit_of(self, secret: str) -> str | None:
        """The visit whose link this is, or None; compared in constant time."""
        return _subject(self._links, secret)

    def appointment_secret(self, appointment: str) -> str:
        """The unguessable part of an appointment's link, made as a visit's is."""
        return _secret(self._appointments, appointment)

    def appointment_of(self, secret: str) -> str | None:
        """The appointment whose link this is, or None; compared in constant time."""
        return _subject(self._appointments, secret)

    def address_mark(self, address: str) -> bytes:
        """What stands for an address that wants no messages, once the address itself is forgotten."""
        return hmac.digest(self._addresses, address.encode(), "sha256")

    def login_mark(self, login: str) -> bytes:
        """What stands for a login that nobody has: it cannot be guessed back without the key."""
        return hmac.digest(self._logins, login.encode(), "sha256")

    def receipt_mac(self, delivery: str) -> str:
        """What vouches for a delivery in the address of its receipts: 128 bits, 22 characters."""
        return self._address(b"delivery " + delivery.encode())

    def gateway_mac(self, channel: str) -> str:
        """The secret part of the addresses that a channel's gateway calls: 128 bits, 22 characters."""
        return self._address(b"channel " + channel.encode())

    def _address(self, what: bytes) -> str:
        mac = hmac.digest(self._gateways, what, "sha256")[:MAC_BYTES]
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def lot(self, text: str) -> float:
        """A number from 0 (included) to 1 (excluded), always the same for a text and nobody's to choose.

        It has 53 random bits: every double of that many is equally likely.
        """
        drawn = hmac.digest(self._lots, text.encode(), "sha256")
        return (int.from_bytes(drawn[:8], "big") >> 11) / 2**53

    def person_mark(self, text: str) -> bytes:
        """What stands for a person within one experiment: ``text`` names it, and where they are reached."""
        return hmac.digest(self._persons, text.encode(), "sha256")

    def seal(self, plain: bytes, subject: str) -> bytes:
        """Encrypt personal data of ``subject`` (AES-256-GCM, the subject bound in)."""
        nonce = secrets.token_bytes(12)
        return nonce + self._seal.encrypt(nonce, plain, subject.encode())

    def open(self, sealed: bytes, subject: str) -> bytes:
        """Decrypt; raises :class:`BadKey` where key or subject are not those of the seal."""
        try:
            return self._seal.decrypt(sealed[:12], sealed[12:], subject.encode())
        except InvalidTag as error:
            raise BadKey("sealed with another key, or for another subject") from error


def _secret(key: bytes, subject: str) -> str:
    raw = base64.b32decode(subject.upper())
    return base64.urlsafe_b64encode(raw + _mac(key, raw)).rstrip(b"=").decode()


def _subject(key: bytes, secret: str) -> str | None:
    try:
        raw = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    if len(raw) != ID_BYTES + MAC_BYTES:
        return None
    subject, mac = raw[:ID_BYTES], raw[ID_BYTES:]
    # A second spelling of the same bytes would be a second link: only the canonical one counts.
    name = base64.b32encode(subject).decode().lower()
    if not hmac.compare_digest(mac, _mac(key, subject)) or _secret(key, name) != secret:
        return None
    return name


def _mac(key: bytes, raw: bytes) -> bytes:
    return hmac.digest(key, raw, "sha256")[:MAC_BYTES]


def load_keys(database: Path) -> Keys:
    """The keys of a database: from ``ONTHAAL_KEY``, else from ``<database>.key``, made if absent."""
    given = os.environ.get("ONTHAAL_KEY")
    if given is not None:
        return Keys(_unhex(given, "ONTHAAL_KEY"))
    path = database.with_name(database.name + ".key")
    if not path.exists():
        make(path, secrets.token_hex(KEY_BYTES))
    return Keys(_unhex(path.read_text(), str(path)))


def make(path: Path, secret: str) -> None:
    """Write a new secret beside its place and link it there: whole, and by one process alone."""
    descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def _unhex(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError as error:
        raise BadKey(f"{where}: not hexadecimal") from error
    if len(key) != KEY_BYTES:
        raise BadKey(f"{where}: a key has {2 * KEY_BYTES} hexadecimal digits, this one {2 * len(key)}")
    return key


def token_hash(secret: str) -> bytes:
    """What is stored of a bearer token: its secret has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).digest()
