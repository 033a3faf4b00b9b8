"""The published JSON schemas of this project's own files, made from the nouns that the files become."""

from __future__ import annotations

from typing import Any

from criterial.core.rubric import Rubric
from criterial.core.verdict import CAUSES
from criterial.errors import ConfigError
from criterial.formats.shorthand import ROLES, SCALE_WORDS
from criterial.formats.validation import adapter

__all__ = ["SCHEMAS", "json_schema"]

SCHEMAS = ("case", "rubric", "verdict", "response")
"""Names of the schemas."""

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_STEPS = {"type": "array", "items": {"type": "object", "required": ["op"]}}
_SAID = {"type": "string", "pattern": r"\S"}
_ID = {"anyOf": [_SAID, {"type": "number"}]}
_FETCHED = {"type": "object", "properties": {"url": _TEXT}, "required": ["url"], "additionalProperties": False}
_REFERENCE = {"anyOf": [_TEXT, _FETCHED]}
_MESSAGES = {
    "description": "A text, or messages; contents may be lists of text and image_url parts.",
    "anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/Message"}]}}],
}
_MEDIA = {
    "type": "array",
    "description": "data: URLs, files beside the cases, or URLs that --fetch allows; with a name for people where they are objects",
    "items": {"anyOf": [_TEXT, {"type": "object", "properties": {"url": _TEXT, "name": _TEXT}, "required": ["url"]}]},
}
_MESSAGE = {
    "type": "object",
    "properties": {
        "role": {"enum": ["system", "user", "assistant", "tool", *ROLES]},
        "content": {"type": ["string", "array", "null"]},
        "media": _MEDIA,
    },
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
    _admit_short_forms(defs)
    _set_bounds(defs)
    criteria = {"type": "array", "minItems": 1, "items": {"anyOf": [_SAID, {"$ref": "#/$defs/Criterion"}]}}
    rubric["properties"]["criteria"] = {**rubric["properties"]["criteria"], **criteria}
    rules = {"$ref": "#/$defs/Panel"}
    defs["Policy"]["properties"]["panel"] = {**defs["Policy"]["properties"]["panel"], "anyOf": [defs["Panel"]["properties"]["rule"], rules]}
    defs["Policy"]["properties"]["panel"].pop("$ref", None)
    rubric["properties"]["policy"] = {"anyOf": [_TEXT, _STEPS, {"$ref": "#/$defs/Policy"}]}
    defs["Rubric"] = {"anyOf": [criteria, rubric]}
    defs["Verdict"] = _verdict(["response", "criterion"])
    within = [_verdict(["criterion"]), {"anyOf": [_VALUE, _verdict([])]}]
    marks = [{"type": "array", "items": within[0]}, {"type": "object", "additionalProperties": within[1]}, {"type": "null"}]
    defs["Response"] = _response({"verdicts": {"description": "people's verdicts, by criterion", "anyOf": marks}})
    line = _response({"task": {**_ID, "description": "the task's id"}, "prompt_id": {**_ID, "description": "another name for task"}})
    bodies: dict[str, dict[str, Any]] = {
        "case": _CASE,
        "rubric": {"$ref": "#/$defs/Rubric"},
        "verdict": {"$ref": "#/$defs/Verdict"},
        "response": {**line, "anyOf": [{"required": ["task"]}, {"required": ["prompt_id"]}]},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"criterial {name}", **bodies[name], "$defs": defs}


def _admit_short_forms(defs: dict[str, Any]) -> None:
    """Let in what the reader turns into the full form."""
    criterion = defs["Criterion"]
    criterion["required"] = ["text"]
    several = [_TEXT, _TEXTS]
    kinds = ("Binary", "Ordinal", "Likert", "Choice", "Numeric")
    scale = [{"type": "string", "pattern": SCALE_WORDS}, _levels(), *({"$ref": f"#/$defs/{k}"} for k in kinds)]
    for kind in kinds:
        defs[kind]["required"] = ["type", *defs[kind].get("required", [])]
    for kind, key in (("Ordinal", "levels"), ("Choice", "values")):
        defs[kind]["properties"][key] |= _levels()
    beside = {"type": "object", "properties": {"kind": _TEXT}, "required": ["kind"], "not": {"required": ["options"]}}
    check = [{"type": "null"}, {"$ref": "#/$defs/Check"}, {**beside, "description": "A check with its options beside its kind."}]
    short: dict[str, Any] = {
        "scale": scale,
        "check": check,
        "applies_when": [*check, _TEXT],
        "category": several,
        "requires": several,
        "evidence": [{"type": "array", "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/Evidence"}]}}],
    }
    said = {"scale": "A word (binary, likert:5, numeric:0-10, count:5), the levels from worst to best, or an object."}
    for key, forms in short.items():
        told = {"description": said.get(key, criterion["properties"][key].get("description", ""))}
        criterion["properties"][key] = {**told, "anyOf": forms}


def _levels() -> dict[str, Any]:
    items = {"anyOf": [_SAID, {"type": "number"}, {"$ref": "#/$defs/Level"}]}
    return {"type": "array", "minItems": 2, "maxItems": 255, "items": items}


def _set_bounds(defs: dict[str, Any]) -> None:
    """Write down the rules of the nouns that their types do not tell."""
    bounds: dict[tuple[str, str], dict[str, Any]] = {
        ("Criterion", "id"): _ID,
        ("Criterion", "text"): _SAID,
        ("Criterion", "threshold"): {"exclusiveMinimum": 0, "maximum": 1},
        ("Criterion", "cap"): {"minimum": 0},
        ("Level", "label"): _ID,
        ("Level", "credit"): {"minimum": 0, "maximum": 1},
        ("Likert", "points"): {"minimum": 2, "maximum": 100},
        ("Node", "weight"): {"minimum": 0},
        ("Node", "children"): {"minItems": 1},
    }
    for (noun, key), rule in bounds.items():
        written = defs[noun]["properties"][key]
        if "anyOf" in rule:
            written.pop("type")
        written |= rule
    defs["Node"]["required"] = ["id", "children"]


def _response(extra: dict[str, Any]) -> dict[str, Any]:
    properties = {"id": _ID, **extra, "system": _TEXT, "text": _MESSAGES, "messages": _MESSAGES, "media": _MEDIA, "tags": _TEXTS}
    return {
        "type": "object",
        "properties": properties,
        "oneOf": [{"required": ["text"]}, {"required": ["messages"]}],
        "additionalProperties": False,
    }


_VALUE: dict[str, Any] = {"type": ["boolean", "number", "string", "null"]}


def _verdict(required: list[str]) -> dict[str, Any]:
    """Return the schema of a verdict: it has a value exactly where it is decided."""
    properties = {
        "task": {**_ID, "description": "the task's id; needed where response ids are not unique in the file"},
        "response": {**_ID, "description": "the response's id"},
        "criterion": {**_ID, "description": "the criterion's id"},
        "value": {**_VALUE, "description": "true, 1, met, 4, or a level's label"},
        "state": {"enum": ["decided", "abstained", "not_applicable", "failed"], "description": "where there is no value"},
        "judge": _TEXT,
        "repeat": {"type": "integer", "minimum": 0},
        "reason": _TEXT,
        "cause": {"enum": ["", *CAUSES], "description": "why there is no value"},
        "probs": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1.001}, "description": "one a level, 1 in sum"},
        "calibrated": {"type": "boolean"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "if": {"required": ["value"], "properties": {"value": {"not": {"type": "null"}}}},
        "then": {"properties": {"state": {"const": "decided"}}},
        "else": {"properties": {"state": {"not": {"const": "decided"}}}},
    }


_CASE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {**_ID, "description": "unique in the file"},
        "prompt": _MESSAGES,
        "messages": _MESSAGES,
        "media": _MEDIA,
        "references": {
            "type": "array",
            "items": _REFERENCE,
            "description": "reference answers, shown to the judge; by their URL where --fetch allows it",
        },
        "reference": {"anyOf": [*_REFERENCE["anyOf"], {"type": "null"}], "description": "one reference answer"},
        "context": {**_TEXT, "description": "documents or facts given to the judge"},
        "tags": _TEXTS,
        "rubric": {"$ref": "#/$defs/Rubric"},
        "responses": {"type": "array", "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/Response"}]}},
    },
    "required": ["id"],
    "oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}],
    "additionalProperties": False,
}
