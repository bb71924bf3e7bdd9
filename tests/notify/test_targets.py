"""What may be sent to: public addresses only, however they are spelled, and only those that were checked."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import httpx
import pytest
from receiver import receiver

from notify import targets
from notify.targets import BadTarget, checked, is_public

INSIDE = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0"),
    *("10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "255.255.255.255"),
    *("224.0.0.1", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[fe80::1]"),
    *("[fc00::1]", "[ff02::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost", "LOCALHOST"),
]


@pytest.mark.parametrize("host", INSIDE)
async def test_what_lies_inside_is_refused(host: str) -> None:
    with pytest.raises(BadTarget) as refused:
        await checked(f"https://{host}/in")
    assert refused.value.code in ("private-address", "unknown-name", "malformed")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.org/", "not-https"),
        ("ftp://example.org/", "not-https"),
        ("file:///etc/passwd", "not-https"),
        ("/in", "not-https"),
        ("https://", "malformed"),
        ("https://[::1", "malformed"),
        ("https://example.org:99999/", "malformed"),
        ("https://me:secret@example.org/", "credentials"),
        ("https://me@example.org/", "credentials"),
        ("https://nobody.invalid/", "unknown-name"),
        ("https://" + "a" * 300 + ".org/", "unknown-name"),
    ],
)
async def test_what_is_no_target_is_refused_with_its_reason(url: str, code: str) -> None:
    with pytest.raises(BadTarget) as refused:
        await checked(url)
    assert refused.value.code == code
    assert "secret" not in str(refused.value)


async def test_public_addresses_pass() -> None:
    assert await checked("https://1.1.1.1/in") == ["1.1.1.1"]
    assert await checked("https://[2606:4700::1111]:8443/") == ["2606:4700::1111"]
    assert not is_public("fe80::1%eth0")


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "1.1.1.1", "10.0.0.1")
    with pytest.raises(BadTarget):
        await checked("https://example.org/")


async def test_a_closed_network_is_allowed_where_it_is_said_so() -> None:
    assert await checked("http://127.0.0.1:8/", allow_private=True) == ["127.0.0.1"]
    with pytest.raises(BadTarget):
        await checked("ftp://127.0.0.1/", allow_private=True)


def answer(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name resolve to these; what was asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host[:1].isdigit():
            return real(host, port, *rest, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is asked for once: a second answer, which may be another one, is never looked at."""
    asked = answer(monkeypatch, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with receiver() as there:
        transport = targets.Transport(context, allow_private=True)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            sent = await client.post(f"http://receiver.example:{there.port}/in", content=b"x")
        assert sent.status_code == 204
        assert sent.url.host == "receiver.example"
    assert asked == ["receiver.example"]
    assert there.got[0].headers["host"] == f"receiver.example:{there.port}"


async def test_the_next_address_is_tried_where_one_takes_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(monkeypatch, "127.0.0.2", "127.0.0.1")
    with receiver() as there:
        transport = targets.Transport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), allow_private=True)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            sent = await client.post(f"http://receiver.example:{there.port}/in", content=b"x")
        assert sent.status_code == 204
        assert [got.body for got in there.got] == [b"x"]
