"""The short forms that people write, turned into the full form that the nouns have.

A scale may be a word (``binary``, ``likert:5``), or the list of its levels; a rubric the list of its criteria; a task its prompt;
a response its text. `criterial.formats.native` reads the full form after these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from criterial.core.scale import Binary, Choice, Level, Likert, Numeric, Ordinal, Scale
from criterial.core.task import Media, Message
from criterial.errors import FormatError
from criterial.formats.media import Sources, read_media
from criterial.formats.validation import below, build, take, word

__all__ = ["ROLES", "SCALE_WORDS", "full_criterion", "full_policy", "full_rubric", "media_of", "messages_of", "scale_of"]

ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "ai": "assistant", "developer": "system", "function": "tool"}
"""Other projects' words for who speaks."""

_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_BINARY = r"binary|boolean|yes/no"
_LIKERT = r"likert(?::([0-9]{1,3}))?"
_NUMERIC = rf"numeric(?::({_NUMBER})(?:\.\.|-|to)({_NUMBER}))?"
_COUNT = r"count(?::([0-9]+))?"
_NAMED: dict[str, Scale] = {
    "coverage": Ordinal(
        (
            Level("not at all", "It cannot be inferred from the text."),
            Level("barely", "It is not mentioned but can be inferred."),
            Level("moderately", "It is mentioned, and important details are missing."),
            Level("mostly", "It is addressed, and some details are missing."),
            Level("completely", "It is addressed in sufficient detail."),
        )
    ),
    "support": Ordinal(
        (
            Level("not supported", "The text contradicts it, or states nothing essential of it."),
            Level("partly", "The text states an essential part of it; another is missing, hedged or only to be inferred."),
            Level("supported", "The text states all that is essential: subject, action, quantity, date, condition, strength."),
        )
    ),
}

SCALE_WORDS = rf"^(?:{_BINARY}|{_LIKERT}|{_NUMERIC}|{_COUNT}|{'|'.join(_NAMED)})$"
"""What a word for a scale looks like in small letters, as a regular expression."""

_SCALES: dict[str, Any] = {"binary": Binary, "ordinal": Ordinal, "likert": Likert, "choice": Choice, "numeric": Numeric}


def scale_of(given: Any, path: str) -> Scale:
    """Return a scale.

    Parameters
    ----------
    given : object
        A word, a list of levels, or an object with ``type``.
    path : str
        Where it stands.

    Returns
    -------
    Scale

    Raises
    ------
    FormatError
        If it is none of these, or breaks a rule of its type.
    """
    if isinstance(given, list):
        return build(Ordinal, {"levels": [_level(v, f"{path}[{i}]") for i, v in enumerate(given)]}, path, unsaid="levels")
    if isinstance(given, str):
        return _scale_of_word(given.strip().lower(), path)
    if not isinstance(given, Mapping):
        raise FormatError(
            "expected a scale", path=path, hint="write binary, likert:5, numeric:0-10, a list of levels, or an object with a type"
        )
    if "type" not in given:
        raise FormatError("a scale needs a type", path=path, hint="binary, ordinal, likert, choice or numeric")
    kind = take(given, "type", str, path)
    if kind not in _SCALES:
        raise FormatError(
            f"a scale's type is 'binary', 'ordinal', 'likert', 'choice' or 'numeric', not {kind[:40]!r}", path=below(path, "type")
        )
    full = dict(given)
    for key in ("levels", "values"):
        if isinstance(full.get(key), list):
            full[key] = [_level(v, f"{path}.{key}[{i}]") for i, v in enumerate(full[key])]
    made: Scale = build(_SCALES[kind], full, path)
    return made


def _scale_of_word(said: str, path: str) -> Scale:
    if re.fullmatch(_BINARY, said):
        return Binary()
    if said in _NAMED:
        return _NAMED[said]
    if match := re.fullmatch(_LIKERT, said):
        return build(Likert, {"points": int(match.group(1) or 5)}, path)
    if match := re.fullmatch(_NUMERIC, said):
        return build(Numeric, {"low": float(match.group(1) or 0), "high": float(match.group(2) or 1)}, path)
    if match := re.fullmatch(_COUNT, said):
        return build(Numeric, {"low": 0.0, "high": float(match.group(1) or 20), "integer": True}, path)
    raise FormatError(
        f"there is no scale {said[:60]!r}",
        path=path,
        hint="binary, likert:5, numeric:0-10, count:5, coverage, support, or a list of levels, worst first",
    )


def _level(given: Any, path: str) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {**given, "label": word(given, "label", path)} if "label" in given else dict(given)
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
    criterion["id"] = word(criterion, "id", path, f"c{place + 1}")
    full: dict[str, Callable[[Any, str], Any]] = {"scale": scale_of, "category": _path, "requires": _several, "evidence": _evidence}
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
        inner = below(path, "criteria")
    else:
        raise FormatError("expected a rubric", path=path, hint="the list of criteria, or an object with criteria")
    rubric = dict(given)
    criteria = rubric.get("criteria")
    if not isinstance(criteria, list):
        raise FormatError("a rubric needs a list of criteria", path=inner)
    rubric["criteria"] = [full_criterion(c, i, f"{inner}[{i}]") for i, c in enumerate(criteria)]
    if "policy" in rubric:
        rubric["policy"] = full_policy(rubric["policy"])
    if rubric.get("tree") is not None and "policy" not in rubric:
        rubric["policy"] = {"name": "tree"}
    return rubric


def full_policy(given: Any) -> Any:
    """Return a policy in full.

    Parameters
    ----------
    given : object
        A policy's name, the list of a composed policy's steps, or the full form.

    Returns
    -------
    object
        The full form; anything else as it is, for the reader to refuse.
    """
    if isinstance(given, str):
        return {"name": given}
    if isinstance(given, list):
        return {"name": "composed", "options": {"steps": given}}
    if isinstance(given, Mapping) and isinstance(given.get("panel"), str):
        return {**given, "panel": {"rule": given["panel"]}}
    return given


def messages_of(given: Any, role: str, sources: Sources, path: str) -> tuple[Message, ...]:
    """Return messages from a text, or from a list of objects with role and content.

    Parameters
    ----------
    given : object
        A text, or messages; contents may be lists of text and image parts.
    role : str
        Who speaks where nobody is named.
    sources : Sources
        Where images may come from.
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
    return tuple(_message(m, role, sources, f"{path}[{i}]") for i, m in enumerate(given))


def _message(given: Any, role: str, sources: Sources, path: str) -> Message:
    if isinstance(given, str):
        return Message(role, given)  # type: ignore[arg-type]
    if not isinstance(given, Mapping):
        raise FormatError("expected a message with role and content", path=path)
    said = take(given, "role", str, path, role)
    said = ROLES.get(said, said)
    if said not in ("system", "user", "assistant", "tool"):
        raise FormatError(f"there is no role {said[:40]!r}", path=below(path, "role"), hint="system, user, assistant or tool")
    text, shown = _content(given.get("content"), sources, below(path, "content"))
    beside = media_of(given["media"], sources, below(path, "media")) if "media" in given else ()
    return Message(said, text, shown + beside)  # type: ignore[arg-type]


def _content(given: Any, sources: Sources, path: str) -> tuple[str, tuple[Media, ...]]:
    if given is None or isinstance(given, str):
        return given or "", ()
    if not isinstance(given, list):
        raise FormatError("expected a text or a list of parts", path=path)
    texts: list[str] = []
    images: list[Media] = []
    for i, part in enumerate(given):
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, Mapping) and "image_url" in part:
            images.append(_image(part["image_url"], sources, f"{path}[{i}].image_url"))
        else:
            raise FormatError("expected a part with text or image_url", path=f"{path}[{i}]")
    return "\n".join(texts), tuple(images)


def media_of(given: Any, sources: Sources, path: str) -> tuple[Media, ...]:
    """Return images.

    Parameters
    ----------
    given : object
        A list of data URLs, of names of files below the sources, of web addresses, and of objects that hold such a ``url`` and a ``name``
        for people.
    sources : Sources
        Where they may come from.
    path : str
        Where they stand.

    Returns
    -------
    tuple of Media

    Raises
    ------
    FormatError
        If it is no such list, or an image cannot be read.
    """
    if not isinstance(given, list):
        raise FormatError("expected a list of images", path=path, hint="data: URLs, or names of files beside the cases")
    return tuple(_image(item, sources, f"{path}[{i}]") for i, item in enumerate(given))


def _image(given: Any, sources: Sources, path: str) -> Media:
    if isinstance(given, str):
        return read_media(given, sources, path)
    if not isinstance(given, Mapping):
        raise FormatError("expected an image", path=path, hint="a data: URL, or the name of a file beside the cases")
    return read_media(take(given, "url", str, path), sources, below(path, "url"), take(given, "name", str, path, ""))
