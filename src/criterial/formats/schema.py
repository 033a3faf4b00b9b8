"""The published JSON schemas of this project's own files, made from the nouns that the files become."""

from __future__ import annotations

from typing import Any

from criterial.core.rubric import Rubric
from criterial.errors import ConfigError
from criterial.formats.validation import adapter

__all__ = ["SCHEMAS", "json_schema"]

SCHEMAS = ("case", "rubric", "verdict", "response")
"""Names of the schemas."""

_TEXT = {"type": "string"}
_MESSAGES = {
    "description": "A text, or messages; contents may be lists of text and image_url parts.",
    "anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/Message"}]}}],
}
_MESSAGE = {
    "type": "object",
    "properties": {
        "role": {"enum": ["system", "user", "assistant", "tool"]},
        "content": {"type": ["string", "array"]},
        "media": {"type": "array", "items": _TEXT, "description": "data: URLs, or files beside the cases"},
    },
    "required": ["role", "content"],
}


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON schema of one kind of object, short forms included.

    Parameters
    ----------
    name : str
        One of `SCHEMAS`.

    Returns
    -------
    dict

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in SCHEMAS:
        raise ConfigError(f"there is no schema {name!r}; there are {', '.join(SCHEMAS)}")
    rubric = adapter(Rubric).json_schema()
    defs = {**rubric.pop("$defs"), "Message": _MESSAGE}
    _allow_short_forms(defs)
    criteria = {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/Criterion"}]}}
    rubric["properties"]["criteria"] = {**rubric["properties"]["criteria"], **criteria}
    rubric["properties"]["policy"] = {"anyOf": [_TEXT, {"$ref": "#/$defs/Policy"}]}
    defs["Rubric"] = {"anyOf": [criteria, rubric]}
    defs["Verdict"] = _VERDICT
    defs["Response"] = _response({"id": _TEXT, "verdicts": {"type": ["object", "array"], "description": "people's verdicts, by criterion"}})
    bodies: dict[str, dict[str, Any]] = {
        "case": _CASE,
        "rubric": {"$ref": "#/$defs/Rubric"},
        "verdict": {"$ref": "#/$defs/Verdict"},
        "response": _response({"task": {**_TEXT, "description": "the task's id"}, "id": _TEXT}, ["task"]),
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"criterial {name}", **bodies[name], "$defs": defs}


def _allow_short_forms(defs: dict[str, Any]) -> None:
    criterion = defs["Criterion"]
    properties = criterion["properties"]
    criterion["required"] = ["text"]
    properties["scale"] = {
        "description": "A word (binary, likert:5, numeric:0-10, count:5), the levels from worst to best, or an object.",
        "anyOf": [_TEXT, {"type": "array", "items": {"anyOf": [_TEXT, {"type": "number"}, {"$ref": "#/$defs/Level"}]}}, {"type": "object"}],
    }
    for key in ("check", "applies_when"):
        short = [{"type": "null"}, {"type": "object", "required": ["kind"]}]
        properties[key] = {
            "description": properties[key].get("description", ""),
            "anyOf": short + ([_TEXT] if key == "applies_when" else []),
        }
    for key in ("category", "requires"):
        properties[key] = {"description": properties[key].get("description", ""), "anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
    properties["evidence"] = {"type": "array", "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/Evidence"}]}}


def _response(extra: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    properties = {
        **extra,
        "system": _TEXT,
        "text": _TEXT,
        "messages": _MESSAGES,
        "media": {"type": "array", "items": _TEXT},
        "tags": {"type": "array", "items": _TEXT},
    }
    out: dict[str, Any] = {"type": "object", "properties": properties, "oneOf": [{"required": ["text"]}, {"required": ["messages"]}]}
    return {**out, "required": required} if required else out


_CASE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "integer"], "description": "unique in the file"},
        "prompt": _MESSAGES,
        "messages": _MESSAGES,
        "media": {"type": "array", "items": _TEXT},
        "references": {"type": "array", "items": _TEXT, "description": "reference answers, shown to the judge"},
        "reference": {**_TEXT, "description": "one reference answer"},
        "context": {**_TEXT, "description": "documents or facts given to the judge"},
        "tags": {"type": "array", "items": _TEXT},
        "rubric": {"$ref": "#/$defs/Rubric"},
        "responses": {"type": "array", "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/Response"}]}},
    },
    "required": ["id"],
    "oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}],
    "additionalProperties": False,
}

_VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "task": {**_TEXT, "description": "the task's id; needed where response ids are not unique in the file"},
        "response": {**_TEXT, "description": "the response's id"},
        "criterion": {**_TEXT, "description": "the criterion's id"},
        "value": {"type": ["boolean", "number", "string"], "description": "true, 1, met, 4, or a level's label"},
        "state": {"enum": ["decided", "abstained", "not_applicable", "failed"], "description": "where there is no value"},
        "judge": _TEXT,
        "repeat": {"type": "integer", "minimum": 0},
        "reason": _TEXT,
        "cause": _TEXT,
        "probs": {"type": "array", "items": {"type": "number"}},
        "calibrated": {"type": "boolean"},
    },
    "required": ["response", "criterion"],
}
