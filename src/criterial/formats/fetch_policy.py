"""From where images and references may be fetched, and within what limits. Without a policy nothing is fetched."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from yarl import URL

from criterial.errors import ConfigError

__all__ = ["Address", "FetchPolicy", "address_of", "is_public", "look_up"]

Address = IPv4Address | IPv6Address
"""Where a connection goes."""

_HOST = re.compile(r"(?:(https?)://)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)
_NUMERIC = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)")
_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC_4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_NOT_PUBLIC_6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"))
"""What is kept for protocols, and ways through tunnels (Teredo, 6to4): `is_global` takes some of it for public."""


def address_of(host: str) -> Address | None:
    """Return the address that a host is written as, in the one form in which it counts as an address; None where it is a name.

    Parameters
    ----------
    host : str
        A host without brackets.

    Returns
    -------
    IPv4Address or IPv6Address or None
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the internet: not to this machine, its network, a tunnel or a group of receivers.

    Parameters
    ----------
    address : IPv4Address or IPv6Address
        An address; an IPv4 address inside an IPv6 one (mapped, or translated by NAT64) is judged as itself.

    Returns
    -------
    bool
    """
    if isinstance(address, IPv6Address):
        inner = IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else address.ipv4_mapped
        if inner is None:
            return address.is_global and address in _UNICAST and not any(address in n for n in _NOT_PUBLIC_6)
        address = inner
    return address.is_global and not address.is_multicast and not any(address in n for n in _NOT_PUBLIC_4)


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system's resolver gives them.

    Parameters
    ----------
    host : str
        A name.
    port : int
        The port that is meant.

    Returns
    -------
    list of str

    Raises
    ------
    OSError
        If there are none.
    """
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class FetchPolicy:
    """Hosts that may be asked for images and references, and what they may cost."""

    hosts: tuple[str, ...]
    """``example.org`` or ``example.org:8443`` (https), or ``http://example.org`` where it is to be asked without encryption."""
    seconds: float = 10.0
    """For one image or text, from looking the name up to the last byte, redirects included."""
    most_bytes: int = 20 << 20
    """Of one image or text."""
    redirects: int = 3
    """How many are followed; each may lead to these hosts alone."""
    resolve: Callable[[str, int], Sequence[str]] = look_up
    """From host and port to addresses."""
    reachable: Callable[[Address], bool] = is_public
    """Whether a connection to an address may be opened."""

    def __post_init__(self) -> None:
        if not self._origins:
            raise ConfigError("no host to fetch from: write --fetch HOST")

    @cached_property
    def _origins(self) -> frozenset[tuple[str, str, int]]:
        return frozenset(_origin(host) for host in self.hosts)

    def allows(self, url: URL) -> bool:
        """Return whether a URL's scheme, host and port are among those that were named.

        Parameters
        ----------
        url : URL
            An absolute URL.

        Returns
        -------
        bool
        """
        return (url.scheme, url.raw_host or "", url.port or 0) in self._origins


def _origin(named: str) -> tuple[str, str, int]:
    match = _HOST.fullmatch(named.strip())
    if match is None:
        raise ConfigError(f"{named[:80]!r} is no host: write example.org, example.org:8443 or http://example.org")
    scheme, host = (match.group(1) or "https").lower(), match.group(2).strip("[]").lower()
    if _NUMERIC.fullmatch(host.rpartition(".")[2]) and address_of(host) is None:
        raise ConfigError(f"{named[:80]!r} is no host: an address is written as four numbers from 0 to 255")
    return scheme, host, int(match.group(3) or (80 if scheme == "http" else 443))
