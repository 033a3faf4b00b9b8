"""Content hashes: the same in every process, on every platform and under every hash seed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical", "digest", "plain", "short"]


def plain(value: Any) -> Any:
    """Return a value as JSON types, leaving out dataclass fields that stand at their default.

    Leaving defaults out keeps a digest stable when a later version adds a field.

    Parameters
    ----------
    value : Any
        Dataclasses, mappings, sequences and JSON scalars, nested.

    Returns
    -------
    Any
        Dicts, lists and scalars.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        out: dict[str, Any] = {}
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if not _is_default(field, item):
                out[field.name] = plain(item)
        return out
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def _is_default(field: dataclasses.Field[Any], item: Any) -> bool:
    if field.name == "type":  # the tag that tells scales apart is always written
        return False
    if field.default is not dataclasses.MISSING:
        return type(item) is type(field.default) and bool(item == field.default)
    if field.default_factory is not dataclasses.MISSING:
        return bool(item == field.default_factory())
    return False


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
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


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
