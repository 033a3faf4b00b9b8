"""Content hashes: the same in every process, on every platform and under every hash seed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["canonical", "digest", "plain", "short"]


def plain(value: Any) -> Any:
    """Return a value as JSON types, leaving out dataclass fields that stand at their default.

    Leaving defaults out keeps a digest stable when a later version adds a field. Whole floats become ints, so that equal
    values have equal digests.

    Parameters
    ----------
    value : Any
        Dataclasses, mappings, sequences and JSON scalars, nested.

    Returns
    -------
    Any
        Dicts, lists and scalars.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is float:
        return _number(value)
    if dataclasses.is_dataclass(kind):
        return {name: plain(item) for name, item in _told(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def _number(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _told(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a dataclass that do not stand at their default."""
    kind: Any = type(value)
    for name, default in _fields(kind):
        item = getattr(value, name)
        if item is not default and (item != default or isinstance(item, bool) != isinstance(default, bool)):
            yield name, item


_SCALARS = frozenset({str, int, bool, type(None)})
_EXACT = 2**53


@lru_cache(maxsize=256)
def _fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Return a dataclass's fields with their defaults; what has none, and the tag that tells scales apart, is always written."""
    out = []
    for field in dataclasses.fields(kind):
        default: Any = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        out.append((field.name, dataclasses.MISSING if field.name == "type" else default))
    return tuple(out)


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN.

    Parameters
    ----------
    value : Any
        What `plain` takes.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    return _encode(plain(value))


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def digest(*parts: Any) -> str:
    """Return the SHA-256 of the parts in canonical form, as 64 hexadecimal digits.

    Parameters
    ----------
    *parts : Any
        What `plain` takes.

    Returns
    -------
    str
    """
    return hashlib.sha256(canonical(parts).encode("utf-8", "surrogatepass")).hexdigest()


def short(full: str) -> str:
    """Return the first ten digits of a digest, for people and file names.

    Parameters
    ----------
    full : str
        A digest.

    Returns
    -------
    str
    """
    return full[:10]
