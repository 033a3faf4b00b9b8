"""Fetching images and references by URL: only from named hosts, only at addresses that were checked, and within limits."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from criterial.errors import FormatError
from criterial.formats.fetch_policy import FetchPolicy, address_of

__all__ = ["Fetched", "Fetcher"]

_PLAIN = re.compile(r"[!-\[\]-~]+")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_INSTEAD = "save it beside the cases"
_HEADERS = {"User-Agent": "criterial", "Accept": "image/*, text/plain, text/markdown", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Fetched:
    """What a host sent."""

    kind: str
    """The content's type, as the host says."""
    charset: str
    """Its encoding, as the host says; empty where it does not."""
    data: bytes
    """The content."""


class Fetcher:
    """Fetches what a policy allows, each URL once.

    Parameters
    ----------
    policy : FetchPolicy
        Hosts and limits.
    """

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy
        self._known: dict[str, Fetched] = {}

    def get(self, address: str) -> Fetched:
        """Return what stands at a URL.

        Parameters
        ----------
        address : str
            An absolute URL.

        Returns
        -------
        Fetched

        Raises
        ------
        FormatError
            If the policy does not allow it, or the host does not give it within the limits.
        """
        if address not in self._known:
            url = self._permitted(address)
            with ThreadPoolExecutor(1) as apart:  # the caller may be inside an event loop
                self._known[address] = apart.submit(_run, self._fetch(url)).result()
        return self._known[address]

    def _permitted(self, address: str, base: URL | None = None) -> URL:
        """Return a URL that may be asked for; what two readers could read in two ways is none."""
        try:
            url = URL(address) if base is None else base.join(URL(address))
        except ValueError:
            url = URL()
        if not _PLAIN.fullmatch(address) or url.scheme not in ("http", "https") or url.user is not None or url.password is not None:
            raise FormatError(
                "not a URL that can be fetched", hint="write an https URL in ASCII, without spaces, backslashes, user or password"
            )
        if not self._policy.allows(url):
            named = f"{url.scheme}://{url.raw_host or ''}" + ("" if url.is_default_port() else f":{url.port}")
            raise FormatError(f"{named[:200]} is not among the hosts to fetch from", hint=f"allow it with --fetch HOST, or {_INSTEAD}")
        return url.with_fragment(None)

    async def _fetch(self, url: URL) -> Fetched:
        start = url
        try:
            async with asyncio.timeout(self._policy.seconds), self._session() as session:
                for _ in range(self._policy.redirects + 1):
                    async with session.get(url, allow_redirects=False) as reply:
                        if reply.status not in _REDIRECTS:
                            return await self._content(reply)
                        url = self._permitted(reply.headers.get("Location", ""), url)
        except TimeoutError:
            raise FormatError(f"{start.raw_host} took longer than {self._policy.seconds:g} seconds", hint=_INSTEAD) from None
        except (aiohttp.ClientError, OSError) as error:
            raise FormatError(f"{url.raw_host} cannot be reached, or broke off: {type(error).__name__}", hint=_INSTEAD) from None
        raise FormatError(f"{start.raw_host} redirects more than {self._policy.redirects} times", hint=_INSTEAD)

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(self._policy), socket_factory=self._socket, use_dns_cache=False, force_close=True
        )
        return aiohttp.ClientSession(
            connector=connector, headers=_HEADERS, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
        )

    def _socket(self, goal: tuple[Any, ...]) -> socket.socket:
        """Return a socket for a connection to an address: whatever led to it, none is opened that was not checked here."""
        family, kind, protocol, _, (address, *_) = goal
        _check(self._policy, str(address))
        return socket.socket(family, kind, protocol)

    async def _content(self, reply: aiohttp.ClientResponse) -> Fetched:
        host, most = reply.url.raw_host, self._policy.most_bytes
        if reply.status != 200:
            raise FormatError(f"{host} answers with HTTP {reply.status}", hint=_INSTEAD)
        if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise FormatError(f"{host} sends it compressed, which was not asked for", hint=_INSTEAD)
        data, told = bytearray(), reply.content_length or 0
        async for part in reply.content.iter_any():
            data += part
            if max(len(data), told) > most:
                raise FormatError(f"{host} sends more than {most >> 20} MB", hint="make it smaller, and " + _INSTEAD)
        return Fetched(reply.content_type, (reply.charset or "").lower(), bytes(data))


class _Resolver(AbstractResolver):
    """Answers with addresses that may be connected to; a name with a single one that may not has none."""

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(None, self._policy.resolve, host, port)
        for address in found:
            _check(self._policy, address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


def _check(policy: FetchPolicy, address: str) -> None:
    parsed = address_of(address)
    if parsed is None or not policy.reachable(parsed):
        raise FormatError(f"it leads to {address[:60]}, which is no public address", hint=_INSTEAD)


def _run(fetching: Coroutine[Any, Any, Fetched]) -> Fetched:
    """Run to the end in a loop that does not wait for a look-up that hangs, as `asyncio.run` would."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(fetching)
    finally:
        loop.close()
