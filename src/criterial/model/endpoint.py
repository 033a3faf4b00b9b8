"""One HTTP endpoint: a POST of JSON, its reply as JSON, and every way that can go wrong as a `Fault`.

Faults are mapped here and nowhere else; `criterial.model.exchange` decides what to do about them.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from yarl import URL

from criterial.errors import ConfigError

__all__ = ["Endpoint", "Fault", "public_url"]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_LEAST_KEY = 8
"""Shorter keys are placeholders such as EMPTY, and words of their own."""
_REPLY_CAP = 16 * 1024 * 1024
_LONGEST_WAIT = 120.0
_OVERLOADED = frozenset({408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529})
_TOO_LONG = ("context_length", "context length", "maximum context", "too long", "too large", "too many tokens")


class Fault(Exception):
    """One attempt that gave no usable answer.

    Parameters
    ----------
    cause : str
        One of `criterial.core.verdict.CAUSES`.
    detail : str
        One line for people, without the content of the request.
    again : bool
        Whether another attempt may succeed.
    wait : float
        Seconds that the endpoint asked to wait.
    status : int
        HTTP status, 0 where there was none.
    """

    def __init__(self, cause: str, detail: str = "", again: bool = True, wait: float = 0.0, status: int = 0) -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail = detail
        self.again = again
        self.wait = wait
        self.status = status


def public_url(url: str) -> str:
    """Return a URL without user, password, query and fragment: what may be shown and stored.

    Parameters
    ----------
    url : str
        Any URL.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If it is no http or https URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{parts.scheme or 'nothing'}://{parts.hostname or ''} is no endpoint: write http://HOST:PORT/v1 or https://...")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path.rstrip("/"), "", ""))


class Endpoint:
    """One base URL with its key and its connections.

    Parameters
    ----------
    url : str
        Base URL; ``/v1`` is added where it has no path.
    key : str
        API key, or empty. It is sent to this URL and goes nowhere else.
    connections : int
        Connections kept open at most.
    timeout : float
        Seconds that one attempt may take, from sending to the last byte.

    Raises
    ------
    ConfigError
        If the URL is no http or https URL.
    """

    def __init__(self, url: str, key: str = "", connections: int = 64, timeout: float = 120.0) -> None:
        shown = public_url(url)
        self.url = shown if urlsplit(shown).path else f"{shown}/v1"
        self._key = key
        self._connections = connections
        self._timeout = timeout
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"

    async def post(self, path: str, body: Mapping[str, Any], within: float = math.inf) -> dict[str, Any]:
        """Send one request and return the object that came back.

        Parameters
        ----------
        path : str
            Path below the base URL.
        body : mapping
            What is sent, as JSON.
        within : float
            Seconds that are left for it, where that is less than the endpoint's own limit.

        Returns
        -------
        dict

        Raises
        ------
        Fault
            In every other case.
        """
        data = _encode(body).encode("utf-8", "replace")
        try:
            session = self._session or self._open()
            limit: Any = {} if within >= self._timeout else {"timeout": aiohttp.ClientTimeout(total=max(0.001, within))}
            url = self._urls.get(path) or self._urls.setdefault(path, URL(f"{self.url}/{path}"))
            async with session.post(url, data=data, allow_redirects=False, **limit) as reply:
                raw = self._without_key(await _read(reply))
                if reply.status == 200:
                    return _object(raw)
                raise _refusal(reply.status, reply.headers.get("Retry-After", ""), raw)
        except TimeoutError as error:
            raise Fault("timeout", "no complete reply in time") from error
        except aiohttp.ClientPayloadError as error:
            raise Fault("connection", "the reply broke off") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Fault("connection", type(error).__name__) from error

    def _without_key(self, raw: bytes) -> bytes:
        """Return a reply without the key that it may echo: providers quote it in errors, and replies are kept."""
        return raw.replace(self._key.encode(), b"[key]") if len(self._key) >= _LEAST_KEY else raw

    def _open(self) -> aiohttp.ClientSession:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)
            self._session = None


async def _read(reply: aiohttp.ClientResponse) -> bytes:
    told = reply.content_length
    if told is not None and told <= _REPLY_CAP and "Content-Encoding" not in reply.headers:
        return await reply.read()
    parts: list[bytes] = []
    size = 0
    async for part in reply.content.iter_any():
        size += len(part)
        if size > _REPLY_CAP:
            raise Fault("too_large", f"more than {_REPLY_CAP} bytes")
        parts.append(part)
    return b"".join(parts)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Fault("malformed", "the reply is not JSON") from error
    if not isinstance(value, dict):
        raise Fault("malformed", "the reply is no JSON object")
    return value


def _refusal(status: int, retry_after: str, raw: bytes) -> Fault:
    wait = _seconds(retry_after)
    detail = f"HTTP {status}: {_message(raw)}"
    if status == 429:
        return Fault("rate_limit", detail, wait=wait, status=status)
    if status in _OVERLOADED:
        return Fault("overloaded", detail, wait=wait, status=status)
    if status in (401, 403):
        return Fault("auth", detail, again=False, status=status)
    if status == 413 or any(word in detail.lower() for word in _TOO_LONG):
        return Fault("too_long", detail, again=False, status=status)
    return Fault("bad_request", detail, again=False, status=status)


def _seconds(retry_after: str) -> float:
    """Return how long a Retry-After asks to wait, in seconds or until a date; 0 where it says neither."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError, OSError):
            return 0.0
    return min(seconds, _LONGEST_WAIT) if seconds > 0.0 else 0.0  # not a number is not above 0


def _message(raw: bytes) -> str:
    """Return the provider's own words, one line of at most 200 characters."""
    text = raw[:2000].decode("utf-8", "replace")
    try:
        body = json.loads(raw[:20000])
        error = body.get("error", body) if isinstance(body, dict) else body
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, RecursionError):
        pass
    return " ".join(text.split())[:200]
