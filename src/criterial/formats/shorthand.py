"""The short forms that people write, turned into the full form that the nouns have.

A scale may be a word (``binary``, ``likert:5``), or the list of its levels; a rubric the list of its criteria; a task its prompt;
a response its text. `criterial.formats.native` reads the full form after these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from criterial.core.task import Message
from criterial.errors import FormatError
from criterial.formats.media import read_media

__all__ = ["full_criterion", "full_rubric", "full_scale", "messages_of"]

_NUMERIC = re.compile(r"numeric(?::(-?[\d.]+)(?:\.\.|-|to)(-?[\d.]+))?")


def full_scale(given: Any, path: str) -> dict[str, Any]:
    """Return a scale in full.

    Parameters
    ----------
    given : object
        A word, a list of levels, or an object with ``type``.
    path : str
        Where it stands.

    Returns
    -------
    dict

    Raises
    ------
    FormatError
        If it is none of these.
    """
    if isinstance(given, list):
        return {"type": "ordinal", "levels": [_level(v, f"{path}[{i}]") for i, v in enumerate(given)]}
    if isinstance(given, str):
        return _scale_of_word(given.strip().lower(), path)
    if not isinstance(given, Mapping):
        raise FormatError(
            "expected a scale", path=path, hint="write binary, likert:5, numeric:0-10, a list of levels, or an object with a type"
        )
    scale = dict(given)
    if "type" not in scale:
        raise FormatError("a scale needs a type", path=path, hint="binary, ordinal, likert, choice or numeric")
    for key in ("levels", "values"):
        if isinstance(scale.get(key), list):
            scale[key] = [_level(v, f"{path}.{key}[{i}]") for i, v in enumerate(scale[key])]
    return scale


def _scale_of_word(word: str, path: str) -> dict[str, Any]:
    if word in ("binary", "boolean", "yes/no"):
        return {"type": "binary"}
    if match := re.fullmatch(r"likert(?::(\d+))?", word):
        return {"type": "likert", "points": int(match.group(1) or 5)}
    if match := _NUMERIC.fullmatch(word):
        return {"type": "numeric", "low": float(match.group(1) or 0), "high": float(match.group(2) or 1)}
    if match := re.fullmatch(r"count(?::(\d+))?", word):
        return {"type": "numeric", "low": 0, "high": float(match.group(1) or 20), "integer": True}
    raise FormatError(
        f"there is no scale {word!r}", path=path, hint="binary, likert:5, numeric:0-10, count:5, or a list of levels, worst first"
    )


def _level(given: Any, path: str) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {**given, "label": str(given["label"])} if "label" in given else dict(given)
    if isinstance(given, (str, int, float)) and not isinstance(given, bool):
        return {"label": str(given)}
    raise FormatError("expected a level: a word, a number, or an object with a label", path=path)


def full_criterion(given: Any, place: int, path: str) -> dict[str, Any]:
    """Return a criterion in full.

    Parameters
    ----------
    given : object
        An object, or the text alone.
    place : int
        Its place in the rubric, which names it where it has no id.
    path : str
        Where it stands.

    Returns
    -------
    dict

    Raises
    ------
    FormatError
        If it is neither.
    """
    if isinstance(given, str):
        return {"id": f"c{place + 1}", "text": given}
    if not isinstance(given, Mapping):
        raise FormatError("expected a criterion", path=path, hint='write {"id": ..., "text": ..., "weight": ...}')
    criterion = dict(given)
    criterion["id"] = str(criterion["id"]) if "id" in criterion else f"c{place + 1}"
    full: dict[str, Callable[[Any, str], Any]] = {"scale": full_scale, "category": _path, "requires": _several, "evidence": _evidence}
    full |= {"check": _full_check, "applies_when": _full_check}
    return {key: full[key](value, f"{path}.{key}") if key in full else value for key, value in criterion.items()}


def _path(given: Any, _: str) -> Any:
    return given.split("/") if isinstance(given, str) else given


def _several(given: Any, _: str) -> Any:
    return [given] if isinstance(given, str) else given


def _evidence(given: Any, _: str) -> Any:
    return [{"text": e} if isinstance(e, str) else e for e in given] if isinstance(given, list) else given


def _full_check(given: Any, path: str) -> Any:
    """Return a check in full: its options may stand beside its kind."""
    if not isinstance(given, Mapping):
        return given
    if "kind" not in given:
        raise FormatError("a check needs a kind", path=path, hint="regex, contains, length, json_schema, number or python")
    if "options" in given:
        return dict(given)
    return {"kind": given["kind"], "options": {k: v for k, v in given.items() if k != "kind"}}


def full_rubric(given: Any, path: str) -> dict[str, Any]:
    """Return a rubric in full.

    Parameters
    ----------
    given : object
        The list of criteria, or an object that holds it.
    path : str
        Where it stands.

    Returns
    -------
    dict

    Raises
    ------
    FormatError
        If it is neither.
    """
    if isinstance(given, list):
        given = {"criteria": given}
        inner = path
    elif isinstance(given, Mapping):
        inner = f"{path}.criteria" if path else "criteria"
    else:
        raise FormatError("expected a rubric", path=path, hint="the list of criteria, or an object with criteria")
    rubric = dict(given)
    criteria = rubric.get("criteria")
    if not isinstance(criteria, list):
        raise FormatError("a rubric needs a list of criteria", path=inner)
    rubric["criteria"] = [full_criterion(c, i, f"{inner}[{i}]") for i, c in enumerate(criteria)]
    if isinstance(rubric.get("policy"), str):
        rubric["policy"] = {"name": rubric["policy"]}
    if rubric.get("tree") is not None and "policy" not in rubric:
        rubric["policy"] = {"name": "tree"}
    return rubric


def messages_of(given: Any, role: str, folder: Path | None, path: str) -> tuple[Message, ...]:
    """Return messages from a text, or from a list of objects with role and content.

    Parameters
    ----------
    given : object
        A text, or messages; contents may be lists of text and image parts.
    role : str
        Who speaks where nobody is named.
    folder : Path or None
        Folder of the file, for images.
    path : str
        Where they stand.

    Returns
    -------
    tuple of Message

    Raises
    ------
    FormatError
        If they are neither.
    """
    if isinstance(given, str):
        return (Message(role, given),)  # type: ignore[arg-type]
    if not isinstance(given, list) or not given:
        raise FormatError("expected a text or a list of messages", path=path)
    return tuple(_message(m, role, folder, f"{path}[{i}]") for i, m in enumerate(given))


_ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "ai": "assistant", "developer": "system", "function": "tool"}


def _message(given: Any, role: str, folder: Path | None, path: str) -> Message:
    if isinstance(given, str):
        return Message(role, given)  # type: ignore[arg-type]
    if not isinstance(given, Mapping):
        raise FormatError("expected a message with role and content", path=path)
    said = str(given.get("role", role))
    said = _ROLES.get(said, said)
    if said not in ("system", "user", "assistant", "tool"):
        raise FormatError(f"there is no role {said[:40]!r}", path=f"{path}.role", hint="system, user, assistant or tool")
    text, images = _content(given.get("content"), f"{path}.content")
    images += [str(m) for m in given.get("media", ())]
    media = tuple(read_media(name, folder, f"{path}.media[{i}]") for i, name in enumerate(images))
    return Message(said, text, media)  # type: ignore[arg-type]


def _content(given: Any, path: str) -> tuple[str, list[str]]:
    if isinstance(given, str):
        return given, []
    if given is None:
        return "", []
    if not isinstance(given, list):
        raise FormatError("expected a text or a list of parts", path=path)
    texts: list[str] = []
    images: list[str] = []
    for i, part in enumerate(given):
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, Mapping) and "image_url" in part:
            url = part["image_url"]
            images.append(str(url.get("url") if isinstance(url, Mapping) else url))
        else:
            raise FormatError("expected a part with text or image_url", path=f"{path}[{i}]")
    return "\n".join(texts), images
