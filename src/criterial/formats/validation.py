"""From plain data to nouns: unknown keys, wrong types and broken rules as one error with its path and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from criterial.core.task import Response
from criterial.errors import FormatError

__all__ = ["NULL", "adapter", "below", "build", "take", "texts", "word"]

NULL: type[Any] = type(None)
"""The type of null, for values that may be it."""

T = TypeVar("T")

_NEEDED: Any = object()
_SHORT: dict[type[Any], tuple[str, ...]] = {Response: ("text", "media", "verdicts")}
_KINDS: dict[type[Any], str] = {
    str: "text",
    dict: "an object",
    list: "a list",
    float: "a number",
    int: "a number",
    bool: "true or false",
    NULL: "null",
}


@lru_cache(maxsize=64)
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the validator of a noun.

    Parameters
    ----------
    kind : type
        A noun.

    Returns
    -------
    TypeAdapter
    """
    return TypeAdapter(kind)


def below(path: str, key: str) -> str:
    """Return the path of a key within a value.

    Parameters
    ----------
    path : str
        Where the value stands; empty for the whole.
    key : str
        A key of it, or ``[3]``.

    Returns
    -------
    str
    """
    return f"{path}.{key}" if path and not key.startswith("[") else path + key


def build(kind: type[T], data: Mapping[str, Any], path: str = "", unsaid: str = "") -> T:
    """Return a noun made from plain data.

    Parameters
    ----------
    kind : type
        The noun.
    data : mapping
        Its fields.
    path : str
        Where the data stands in its document.
    unsaid : str
        A key of the data that its short form in the document leaves out, as a list of criteria does ``criteria``.

    Returns
    -------
    object of that kind

    Raises
    ------
    FormatError
        At the first fault, with its path.
    """
    try:
        noun: Any = kind
        made: T = adapter(noun).validate_python(data)
        return made
    except ValidationError as error:
        fault = _first_fault(error, kind, data)
        raise FormatError(fault.message, path=fault.path.removeprefix(unsaid), hint=fault.hint).located(path=path) from None
    except RecursionError:
        raise FormatError("nested too deeply", path=path) from None


def _first_fault(error: ValidationError, kind: type[Any], data: Any) -> FormatError:
    fault, keys = _deepest(error, data)
    place = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in keys).removeprefix(".")
    own = (fault.get("ctx") or {}).get("error")
    if isinstance(own, FormatError):
        return own.located(path=place)
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return FormatError(f"unknown key {keys[-1]!r}", path=place, hint=_guess(str(keys[-1]), _noun_at(kind, keys[:-1])))
    if fault["type"] in ("missing", "missing_argument"):
        return FormatError(f"{fault['loc'][-1]!r} is missing", path=place)
    return FormatError(_sentence(fault), path=place)


def _deepest(error: ValidationError, data: Any) -> tuple[Any, list[str | int]]:
    """Return the first fault and the keys that lead to it; of a union of types, the fault of the type that came furthest."""
    found = [(fault, _keys(fault["loc"], data)) for fault in error.errors()]
    first, keys = found[0]
    shared = next((i for i, (part, key) in enumerate(zip(first["loc"], keys, strict=False)) if part != key), len(keys))
    if shared == len(first["loc"]) or first["type"] in ("missing", "missing_argument"):
        return first, keys
    return max((f for f in found if f[0]["loc"][:shared] == first["loc"][:shared]), key=lambda f: len(f[1]))


def _keys(loc: tuple[str | int, ...], data: Any) -> list[str | int]:
    """Return the parts of pydantic's path that lead somewhere; the others are names of types."""
    keys: list[str | int] = []
    for part in loc:
        listed = isinstance(part, int) and isinstance(data, (list, tuple)) and part < len(data)
        if listed or (isinstance(data, Mapping) and part in data):
            data = data[part]
            keys.append(part)
    return keys


def _noun_at(kind: type[Any], keys: list[str | int]) -> type[Any] | None:
    """Return the noun that the object at a path should become."""
    noun: type[Any] | None = kind
    for key in keys:
        if isinstance(key, str) and noun is not None:
            noun = next(_nouns(get_type_hints(noun).get(key)), None)
    return noun


def _nouns(hint: Any) -> Iterator[type[Any]]:
    if is_dataclass(hint):
        yield hint  # type: ignore[misc]
    for inner in get_args(hint):
        yield from _nouns(inner)


def _sentence(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    given = fault.get("input")
    shown = f", found {str(given)[:60]!r}" if isinstance(given, (str, int, float, bool)) or given is None else ""
    return message[:1].lower() + message[1:] + shown


def _guess(key: str, noun: type[Any] | None) -> str:
    known = sorted({*(f.name for f in fields(noun)), *_SHORT.get(noun, ())}) if noun is not None else []
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}"


def take(data: Mapping[str, Any], key: str, kind: type[T] | tuple[type[Any], ...], path: str = "", default: Any = _NEEDED) -> T:
    """Return a value that must be of a type.

    Parameters
    ----------
    data : mapping
        An object of a file.
    key : str
        The key.
    kind : type or tuple of type
        What the value must be.
    path : str
        Where the object stands.
    default : object, optional
        What is returned where the key is not there; without it the key must be.

    Returns
    -------
    object of that kind

    Raises
    ------
    FormatError
        If it is not there or of another type.
    """
    if key not in data:
        if default is _NEEDED:
            raise FormatError(f"{key!r} is missing", path=path)
        return default  # type: ignore[no-any-return]
    value = data[key]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(dict.fromkeys(_KINDS.get(k, k.__name__) for k in kinds))
        raise FormatError(f"expected {wanted}", path=below(path, key))
    return value


def texts(data: Mapping[str, Any], key: str, path: str = "", default: Any = _NEEDED) -> list[str]:
    """Return a value that must be a list of texts.

    Parameters
    ----------
    data : mapping
        An object of a file.
    key : str
        The key.
    path : str
        Where the object stands.
    default : object, optional
        What is returned where the key is not there; without it the key must be.

    Returns
    -------
    list of str

    Raises
    ------
    FormatError
        If it is not there, no list, or holds anything but texts.
    """
    listed: list[Any] = take(data, key, list, path, default)
    for i, item in enumerate(listed):
        if not isinstance(item, str):
            raise FormatError("expected text", path=f"{below(path, key)}[{i}]")
    return listed


def word(data: Mapping[str, Any], key: str, path: str = "", default: Any = _NEEDED) -> str:
    """Return an id or a label: a text, or a number as text.

    Parameters
    ----------
    data : mapping
        An object of a file.
    key : str
        The key.
    path : str
        Where the object stands.
    default : object, optional
        What is returned where the key is not there; without it the key must be.

    Returns
    -------
    str

    Raises
    ------
    FormatError
        If it is not there, or neither a text nor a number.
    """
    return str(take(data, key, (str, int, float), path, default))
