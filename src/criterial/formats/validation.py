"""From plain data to nouns: unknown keys, wrong types and broken rules as one error with its path and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.task import Response, Task
from criterial.errors import FormatError

__all__ = ["adapter", "build", "take"]

T = TypeVar("T")


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


def build(kind: type[T], data: Mapping[str, Any], path: str = "") -> T:
    """Return a noun made from plain data.

    Parameters
    ----------
    kind : type
        The noun.
    data : mapping
        Its fields.
    path : str
        Where the data stands in its document.

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
        raise _first_fault(error, kind, path) from None
    except RecursionError:
        raise FormatError("nested too deeply", path=path) from None


def _first_fault(error: ValidationError, kind: type[Any], path: str) -> FormatError:
    first = error.errors()[0]
    place = path + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"] if not _is_tag(p))
    place = place.lstrip(".")
    own = (first.get("ctx") or {}).get("error")
    if isinstance(own, FormatError):
        return own.located(path=place)
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        key = str(first["loc"][-1])
        return FormatError(f"unknown key {key!r}", path=place, hint=_guess(key))
    if first["type"] in ("missing", "missing_argument"):
        return FormatError(f"{first['loc'][-1]!r} is missing", path=place.rpartition(".")[0])
    return FormatError(_sentence(first), path=place)


def _is_tag(part: Any) -> bool:
    """Whether a part of pydantic's path is the name of a type in a union and no key."""
    return isinstance(part, str) and (part[:1].isupper() or "[" in part or part in ("str", "float", "int", "function-after"))


def _sentence(first: Any) -> str:
    message = str(first["msg"]).removeprefix("Value error, ")
    given = first.get("input")
    shown = f", found {str(given)[:60]!r}" if isinstance(given, (str, int, float, bool)) or given is None else ""
    return message[:1].lower() + message[1:] + shown


def _guess(key: str) -> str:
    known = sorted({f.name for noun in (Criterion, Rubric, Task, Response) if is_dataclass(noun) for f in fields(noun)})
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}"


def take(data: Mapping[str, Any], key: str, kind: type[T] | tuple[type[Any], ...], path: str = "") -> T:
    """Return a value that must be there and of a type.

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

    Returns
    -------
    object of that kind

    Raises
    ------
    FormatError
        If it is not there or of another type.
    """
    where = f"{path}.{key}" if path else key
    if key not in data:
        raise FormatError(f"{key!r} is missing", path=path)
    value = data[key]
    if not isinstance(value, kind) or (isinstance(value, bool) and bool not in (kind if isinstance(kind, tuple) else (kind,))):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(
            {"str": "text", "dict": "an object", "list": "a list", "float": "a number", "int": "a number"}.get(k.__name__, k.__name__)
            for k in kinds
        )
        raise FormatError(f"expected {wanted}", path=where)
    return value
