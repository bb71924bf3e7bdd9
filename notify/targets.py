"""Where the server may send to of its own accord: public addresses, checked at every connection.

A name is resolved once for each request, every address of it must be public, and the connection goes to
an address that was checked: a name that answers differently a moment later leads nowhere else. TLS
verifies the name all the same.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import httpx

RESOLVE_S = 5.0
"""How long a name may take to resolve, in real seconds."""

# Resolvers cannot be interrupted: one that hangs must not hold the threads that others work in.
_resolving = ThreadPoolExecutor(8, "onthaal-names")

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class BadTarget(Exception):
    """An address that is not sent to: ``code`` says why in a word, the message in a sentence."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code


async def checked(url: str | httpx.URL, *, allow_private: bool = False) -> list[str]:
    """The addresses that a URL leads to now, in the resolver's order. Raises :class:`BadTarget`.

    ``allow_private`` lets private addresses and plain HTTP pass: for closed networks.
    """
    parts = _parsed(url, allow_private)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return await resolved(parts.raw_host.decode("ascii"), port, allow_private=allow_private)


async def resolved(host: str, port: int, *, allow_private: bool = False) -> list[str]:
    """The addresses of a host, all of them public. Raises :class:`BadTarget`."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.run_in_executor(_resolving, _resolve, host, port)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise BadTarget("unknown-name", "the name does not resolve") from error
    if not allow_private and not all(map(is_public, found)):
        raise BadTarget("private-address", "the name leads to an address that is not public")
    return found


def _parsed(url: str | httpx.URL, allow_private: bool) -> httpx.URL:
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadTarget("malformed", "this is no URL") from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise BadTarget("not-https", "the URL has to begin with https://")
    if not parts.host or not 0 < (parts.port or 443) < 65_536:
        raise BadTarget("malformed", "the URL names no host, or a port that there is none")
    if parts.userinfo:
        raise BadTarget("credentials", "the URL may hold no user name and no password")
    return parts


def _resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, each once; raises ``OSError``."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_kind, address in answers))


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, and so is whatever IPv4 address it carries in it."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        carried = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _NAT64:
            carried.append(ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF))
        if not all(is_public(str(inner)) for inner in carried if inner is not None):
            return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast


class Transport(httpx.AsyncBaseTransport):
    """Carries httpx's requests to checked addresses only; raises :class:`BadTarget` for others.

    No connection is kept: each request is checked, and connects, for itself.
    """

    def __init__(self, context: ssl.SSLContext, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        named = request.url
        addresses = await checked(named, allow_private=self._allow_private)
        request.extensions = {**request.extensions, "sni_hostname": named.raw_host.decode("ascii")}
        for address in addresses:
            # The Host header was made from the name, and stays.
            request.url = named.copy_with(host=address.partition("%")[0])
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
            finally:
                request.url = named
        raise AssertionError("a name that resolves has an address")

    async def aclose(self) -> None:
        await self._inner.aclose()
