"""Plain data as JSON, JSON lines, YAML or TOML that this package's own strict readers take back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from criterial.errors import FormatError

__all__ = ["WRITERS"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _/.-]*[A-Za-z0-9]|[A-Za-z]")


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, and in quotes every text that a reader of YAML 1.1 or 1.2 may take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _PLAIN.fullmatch(text) else '"')


_Dumper.add_representer(str, _quoted)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _lines(value: Any) -> str:
    listed = value if isinstance(value, list) else [value]
    return "".join(json.dumps(item, ensure_ascii=False, allow_nan=False) + "\n" for item in listed)


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _toml(value: Any) -> str:
    if not isinstance(value, Mapping):
        raise FormatError("TOML holds one case or rubric, not a list", hint="write .json, .jsonl or .yaml")
    tables = {k: v for k, v in value.items() if isinstance(v, list) and v and all(isinstance(item, Mapping) for item in v)}
    text = "".join(f"{_key(k)} = {_inline(v, k)}\n" for k, v in value.items() if k not in tables)
    for key, items in tables.items():
        for item in items:
            text += f"\n[[{_key(key)}]]\n" + "".join(f"{_key(k)} = {_inline(v, f'{key}.{k}')}\n" for k, v in item.items())
    return text


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: Any, path: str) -> str:
    if value is None:
        raise FormatError("TOML has no null", path=path, hint="write .json or .yaml")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_inline(v, f'{path}.{k}')}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(v, path) for v in value) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value, allow_nan=False)


WRITERS: dict[str, Callable[[Any], str]] = {".json": _json, ".jsonl": _lines, ".yaml": _yaml, ".yml": _yaml, ".toml": _toml}
"""By a file's ending, what turns a value into its text."""
