"""Reading files that may be broken or hostile: bounded, strict, and with file and line in every error.

What a plain loader would let through is refused: duplicate keys (the last would win silently), NaN and infinity, numbers beyond
64 bits, nesting without end, NUL and lone surrogates in texts, and in YAML everything but plain data.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import tomllib
import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

import yaml

from criterial.errors import FormatError

__all__ = ["Document", "parse_json"]

_MOST_BYTES = 1 << 31
_MOST_DOCUMENT = 1 << 28
_MOST_LINE = 1 << 26
_MOST_YAML = 4 << 20
_MOST_DEPTH = 64
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SUFFIXES = (".jsonl", ".json", ".toml", ".yaml", ".yml")


class Document:
    """One file, read as JSON, JSON lines, TOML or YAML by its name (``.gz`` on top of any), or by its first bytes.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    FormatError
        If there is no such file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        if not self.path.exists():
            raise FormatError("there is no such file", self.name, hint="check the path")
        inner = self.path.with_suffix("") if self.path.suffix == ".gz" else self.path
        self.stem = inner.with_suffix("").name if inner.suffix in _SUFFIXES else inner.name
        self._suffix = inner.suffix.lower()

    def files(self) -> list[Document]:
        """Return the data files of a folder, in the order of their names.

        Returns
        -------
        list of Document
        """
        listed = (Document(p) for p in sorted(self.path.iterdir()) if p.is_file())
        return [d for d in listed if d._suffix in _SUFFIXES]

    def objects(self) -> Iterator[tuple[int | None, dict[str, Any]]]:
        """Yield the file's objects, one a line of JSON lines, one an item of a list, or the whole file as one.

        Yields
        ------
        tuple of (int or None, dict)
            The 1-based line where the object begins (None where the format does not tell), and the object.

        Raises
        ------
        FormatError
            At the first fault.
        """
        if self._suffix == ".jsonl" or (self._suffix not in _SUFFIXES and self._looks_like_lines()):
            yield from self._lines()
            return
        value = self.whole()
        items = value if isinstance(value, list) else [value]
        for place, item in enumerate(items):
            if not isinstance(item, dict):
                where = f"[{place}]" if isinstance(value, list) else ""
                raise FormatError(f"expected an object, found {_kind(item)}", self.name, 1, where)
            yield self.line_of([place]) if isinstance(value, list) else 1, item

    @cached_property
    def first(self) -> dict[str, Any]:
        """The first object, by which a format is recognised; empty where there is none."""
        return next(iter(self.objects()), (None, {}))[1]

    def whole(self) -> Any:
        """Return the whole file as one value.

        Returns
        -------
        Any
            Dicts, lists and scalars.

        Raises
        ------
        FormatError
            If it cannot be read.
        """
        if self._suffix in (".yaml", ".yml"):
            return _parse_yaml(self._text(_MOST_YAML), self.name)
        text = self._text(_MOST_DOCUMENT)
        if self._suffix == ".toml":
            try:
                return tomllib.loads(text)
            except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
                line = re.search(r"line (\d+)", str(error))
                raise FormatError(f"not TOML: {error}", self.name, int(line.group(1)) if line else None) from error
        return parse_json(text, self.name)

    def line_of(self, path: list[str | int]) -> int | None:
        """Return the line on which a value of a JSON document begins.

        Parameters
        ----------
        path : list of str or int
            Keys and indices from the top.

        Returns
        -------
        int or None
            None where the file is no plain JSON document.
        """
        if self._suffix != ".json" or not path:
            return None
        text = self._text(_MOST_DOCUMENT)
        offset = _offset(text, path)
        return None if offset is None else text.count("\n", 0, offset) + 1

    def _open(self) -> IO[bytes]:
        try:
            return cast(IO[bytes], gzip.open(self.path)) if self.path.suffix == ".gz" else self.path.open("rb")
        except OSError as error:
            raise FormatError(f"cannot be opened: {error.strerror or error}", self.name) from error

    def _read(self, file: IO[bytes], size: int) -> bytes:
        try:
            return file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise FormatError(f"cannot be read: {error}", self.name, hint="the file may be cut off or not be gzip") from error

    def _text(self, most: int) -> str:
        with self._open() as file:
            raw = self._read(file, most + 1)
        if len(raw) > most:
            raise FormatError(
                f"larger than {most >> 20} MB", self.name, hint="write one JSON object a line (.jsonl): lines are read one by one"
            )
        return _decode(raw, self.name)

    def _looks_like_lines(self) -> bool:
        with self._open() as file:
            head = self._read(file, 1 << 16).lstrip()
        first, _, rest = head.partition(b"\n")
        return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip()[:1] in (b"", b"{")

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        total = 0
        with self._open() as file:
            number = 0
            while True:
                try:
                    raw = file.readline(_MOST_LINE + 1)
                except (OSError, EOFError, zlib.error) as error:
                    raise FormatError(
                        f"cannot be read: {error}", self.name, number, hint="the file may be cut off or not be gzip"
                    ) from error
                if not raw:
                    return
                number += 1
                total += len(raw)
                if len(raw) > _MOST_LINE or total > _MOST_BYTES:
                    raise FormatError(f"a line over {_MOST_LINE >> 20} MB, or a file over {_MOST_BYTES >> 30} GB", self.name, number)
                if raw.strip():
                    value = parse_json(_decode(raw, self.name, number), self.name, number)
                    if not isinstance(value, dict):
                        raise FormatError(f"expected an object, found {_kind(value)}", self.name, number, hint="one JSON object a line")
                    yield number, value


def parse_json(text: str, file: str = "", line: int | None = None) -> Any:
    """Return the value of a JSON text, read strictly.

    Parameters
    ----------
    text : str
        JSON.
    file : str
        Name for messages.
    line : int, optional
        Line for messages where the text is one line of a file.

    Returns
    -------
    Any

    Raises
    ------
    FormatError
        If it is not JSON, or holds what this module refuses.
    """
    try:
        value = _DECODER.decode(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        hint = "NaN and Infinity are not JSON" if "NaN" in error.msg or "Infinity" in error.msg else ""
        raise FormatError(f"not JSON: {error.msg} (column {error.colno})", file, line or error.lineno, hint=hint) from error
    except RecursionError as error:
        raise FormatError("nested too deeply", file, line) from error
    except FormatError as error:
        raise error.located(file, line) from None
    except ValueError as error:
        raise FormatError(f"a number that cannot be used: {error}"[:200], file, line) from error
    if _SUSPECT.search(text):
        _check_texts(value, file, line)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise FormatError(f"the key {key[:60]!r} occurs twice in one object", hint="the last would win silently; remove one")
            seen.add(key)
    return out


def _constant(word: str) -> Any:
    raise FormatError(f"{word} is not a number", hint="every number must be finite")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise FormatError(f"{text[:30]} is too large", hint="every number must be finite")
    return value


def _int(text: str) -> int:
    if len(text) > 18 and not -(1 << 63) <= int(text[:25]) < 1 << 63:
        raise FormatError(f"{text[:30]} has more than 64 bits")
    return int(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int)


def _decode(raw: bytes, file: str, line: int | None = None) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = line or raw.count(b"\n", 0, error.start) + 1
        raise FormatError("not UTF-8", file, place, hint="save the file as UTF-8") from error
    if "\0" in text:
        raise FormatError("a NUL character", file, line or text.count("\n", 0, text.index("\0")) + 1)
    return text


def _check_texts(value: Any, file: str, line: int | None, path: str = "") -> None:
    """Raise where a text holds NUL or half a surrogate pair: no store and no other program takes those."""
    if isinstance(value, str):
        if "\0" in value:
            raise FormatError("a text holds a NUL character", file, line, path)
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise FormatError("a text holds half a surrogate pair", file, line, path, "write the whole character")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key, file, line, path)
            _check_texts(item, file, line, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_texts(item, file, line, f"{path}[{i}]")


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")


_WHITE = re.compile(r"[ \t\r\n]*")


def _offset(text: str, path: list[str | int]) -> int | None:
    """Return where in a JSON text the value at a path begins; the text is known to parse."""
    position = _white(text, 0)
    for step in path:
        opened = text[position : position + 1]
        if opened not in ("{", "["):
            return None
        position = _white(text, position + 1)
        index = 0
        while text[position : position + 1] not in ("}", "]", ""):
            here = position
            if opened == "{":
                key, end = json.decoder.scanstring(text, position + 1)  # type: ignore[attr-defined]
                position = _white(text, _white(text, end) + 1)
            else:
                key = index
            if key == step:
                position = here if opened == "{" and step == path[-1] else position
                break
            _, end = _DECODER.raw_decode(text, position)
            position = _white(text, end)
            if text[position : position + 1] == ",":
                position = _white(text, position + 1)
            index += 1
        else:
            return None
    return position


def _white(text: str, position: int) -> int:
    match = _WHITE.match(text, position)
    return match.end() if match else position


_PLAIN = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "": None, "~": None}


def _parse_yaml(text: str, file: str) -> Any:
    """Return YAML as plain data: no anchors, no tags, no types but true, false, null and decimal numbers."""
    maker = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(maker(text), file)
        node = yaml.compose(text, Loader=maker)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FormatError(f"not YAML: {getattr(error, 'problem', error)}", file, mark.line + 1 if mark else None) from error
    value = None if node is None else _yaml_value(node, file)
    _check_texts(value, file, None)
    return value


def _check_events(loader: Any, file: str) -> None:
    """Raise at anchors, tags and deep nesting, before anything is built from them."""
    depth = 0
    while loader.check_event():
        event = loader.get_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise FormatError("anchors and aliases are not allowed", file, line, hint="write the value out")
        if getattr(event, "tag", None):
            raise FormatError(f"the tag {event.tag} is not allowed", file, line)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH:
            raise FormatError(f"nested more than {_MOST_DEPTH} deep", file, line)


def _yaml_value(node: Any, file: str) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style in ("'", '"', "|", ">") else _yaml_scalar(node.value, file, line)
    if isinstance(node, yaml.SequenceNode):
        return [_yaml_value(child, file) for child in node.value]
    out: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise FormatError("a key must be a plain word", file, key_node.start_mark.line + 1)
        if key_node.value in out:
            raise FormatError(f"the key {key_node.value!r} occurs twice", file, key_node.start_mark.line + 1)
        out[key_node.value] = _yaml_value(value_node, file)
    return out


def _yaml_scalar(text: str, file: str, line: int) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _PLAIN.fullmatch(text):
        try:
            return _float(text) if any(c in text for c in ".eE") else _int(text)
        except FormatError as error:
            raise error.located(file, line) from None
    return text
