"""YAML as plain data: no anchors, no tags, no types but true, false, null and decimal numbers."""

from __future__ import annotations

import re
from typing import Any

import yaml

from criterial.errors import FormatError
from criterial.formats.strict import check_values, finite_float, whole_number

__all__ = ["parse_yaml", "yaml_line"]

_MOST_DEPTH = 64
_MOST_EVENTS = 150_000
_PLAIN = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "": None, "~": None}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str, file: str) -> Any:
    """Return the value of a YAML text.

    Parameters
    ----------
    text : str
        YAML.
    file : str
        Name for messages.

    Returns
    -------
    Any

    Raises
    ------
    FormatError
        If it is not YAML, or more than plain data.
    """
    try:
        _check_events(_LOADER(text), file)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FormatError(f"not YAML: {getattr(error, 'problem', error)}", file, mark.line + 1 if mark else None) from error
    value = None if node is None else _value(node, file)
    try:
        check_values(value)
    except FormatError as error:
        raise error.located(file) from None
    return value


def yaml_line(text: str, steps: list[str | int]) -> int:
    """Return the line on which a value begins, or what is nearest above it where it is not there.

    Parameters
    ----------
    text : str
        YAML that is known to parse.
    steps : list of str or int
        Keys and indices from the top.

    Returns
    -------
    int
    """
    node: Any = yaml.compose(text, Loader=_LOADER)
    mark = node.start_mark
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            items = {key.value: (key, value) for key, value in node.value}
        elif isinstance(node, yaml.SequenceNode):
            items = {i: (child, child) for i, child in enumerate(node.value)}
        else:
            break
        if step not in items:
            break
        mark, node = items[step][0].start_mark, items[step][1]
    return int(mark.line) + 1


def _check_events(loader: Any, file: str) -> None:
    """Raise at anchors, tags, deep nesting and very many values, before anything is built from them."""
    depth = count = 0
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
        count += 1
        if count > _MOST_EVENTS:
            raise FormatError(f"more than {_MOST_EVENTS} keys and values", file, line, hint="write as much as this as JSON lines (.jsonl)")


def _value(node: Any, file: str) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style in ("'", '"', "|", ">") else _scalar(node.value, file, line)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, file) for child in node.value]
    out: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise FormatError("a key must be a plain word", file, key_node.start_mark.line + 1)
        if key_node.value in out:
            raise FormatError(f"the key {key_node.value[:60]!r} occurs twice", file, key_node.start_mark.line + 1)
        out[key_node.value] = _value(value_node, file)
    return out


def _scalar(text: str, file: str, line: int) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _PLAIN.fullmatch(text):
        try:
            return finite_float(text) if any(c in text for c in ".eE") else whole_number(text)
        except FormatError as error:
            raise error.located(file, line) from None
    return text
