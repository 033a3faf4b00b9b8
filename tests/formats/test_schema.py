"""The published JSON schemas are sound, admit every form that the reader reads and refuse what it refuses."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from criterial.core.criterion import Criterion
from criterial.core.digest import plain
from criterial.core.task import Case
from criterial.errors import ConfigError, FormatError
from criterial.formats.native import case_of, case_to_dict, responses_of, rubric_of, verdict_of, verdict_to_dict
from criterial.formats.schema import SCHEMAS, json_schema
from tests.formats.samples import NATIVE
from tests.helpers_files import case, cases

KNOWN = {"c1": case("a").rubric.criteria[0]}
READERS: dict[str, Any] = {
    "case": case_of,
    "rubric": rubric_of,
    "verdict": lambda v: verdict_of(v, KNOWN.get),
    "response": responses_of,
}
TREE = {"id": "n", "children": ["c1", {"id": "m", "children": ["c2"]}]}
GOOD: list[tuple[str, Any]] = [
    ("rubric", ["Says so"]),
    ("rubric", {"criteria": ["a", {"text": "b"}]}),
    ("rubric", [{"text": "a", "weight": -2, "category": "x/y"}, {"text": "b", "category": ["x"], "requires": "c1"}]),
    ("rubric", [{"text": "b", "requires": []}]),
    *(("rubric", [{"text": "a", "scale": s}]) for s in ("binary", "likert:5", "numeric:0-10", "count:5")),
    *(("rubric", [{"text": "a", "scale": s}]) for s in (["no", "yes"], [1, 2, 3], [{"label": "a", "credit": 0.5}, "b"])),
    ("rubric", [{"text": "a", "scale": {"type": "choice", "values": ["x", "y"]}}]),
    ("rubric", [{"text": "a", "scale": {"type": "numeric", "low": 0, "high": 3, "integer": True}}]),
    ("rubric", [{"text": "a", "check": {"kind": "length", "max": 9}}]),
    ("rubric", [{"text": "a", "check": {"kind": "length", "options": {"max": 9}}, "applies_when": "it rains"}]),
    ("rubric", [{"text": "a", "applies_when": {"kind": "contains", "texts": ["x"]}, "evidence": ["e", {"text": "f", "url": "u"}]}]),
    ("rubric", [{"text": "a", "examples": [{"text": "e", "value": 1}, {"text": "f", "value": "met", "reason": "r"}]}]),
    ("rubric", [{"text": "a", "effect": "gate", "required": False, "kind": "rule", "tier": "A", "tags": ["k:v"], "title": "t"}]),
    ("rubric", [{"text": "a", "effect": "deduct", "cap": 3, "threshold": 1, "all_or_nothing": True, "scope": "turn", "turn": 0}]),
    ("rubric", [{"text": "a", "source": {"by": "me", "inputs": ["x"]}}]),
    ("rubric", {"criteria": ["a", "b"], "tree": TREE, "policy": "tree", "guidelines": "g", "id": "i", "title": "t"}),
    ("rubric", {"criteria": ["a"], "policy": {"name": "weighted", "options": {"clip": "none"}}}),
    ("case", {"id": "t", "prompt": "p"}),
    ("case", {"id": 5, "messages": [{"role": "user", "content": "p"}], "rubric": ["a"]}),
    ("case", {"id": "t", "prompt": ["a text", {"role": "assistant", "content": [{"type": "text", "text": "x"}]}], "rubric": ["a"]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "reference": "r", "context": "c", "tags": ["x"], "responses": ["one"]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "references": ["r"], "responses": [{"text": "x", "system": "s", "tags": ["y"]}]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "responses": [{"id": "r", "messages": ["x"], "verdicts": {"c1": 1}}]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "responses": [{"text": "x", "verdicts": [{"criterion": "c1", "value": 1}]}]}),
    *(("case", c) for c in NATIVE),
    *(("verdict", {"response": "r", "criterion": "c1", "value": v}) for v in (1, True, "met", 0.0)),
    ("verdict", {"task": "t", "response": "r", "criterion": "c1", "state": "abstained", "reason": "x", "judge": "j", "repeat": 0}),
    ("verdict", {"response": "r", "criterion": "c1", "value": 1, "probs": [0.1, 0.9], "calibrated": False}),
    ("verdict", {"response": "r", "criterion": "c1", "state": "failed", "cause": "timeout"}),
    ("response", {"task": "t", "text": "x"}),
    ("response", {"task": "t", "id": "r", "system": "s", "messages": ["x", {"role": "assistant", "content": "y"}], "tags": ["z"]}),
]
BAD: list[tuple[str, Any]] = [
    ("rubric", []),
    ("rubric", "a"),
    ("rubric", {}),
    ("rubric", {"criteria": "a"}),
    ("rubric", {"criteria": ["a"], "polcy": "x"}),
    ("rubric", {"criteria": ["a"], "policy": 5}),
    ("rubric", [5]),
    ("rubric", [{"weight": 1}]),
    ("rubric", [{"text": 5}]),
    ("rubric", [{"text": "a", "wieght": 1}]),
    ("rubric", [{"text": "a", "weight": "heavy"}]),
    ("rubric", [{"text": "a", "scale": 5}]),
    ("rubric", [{"text": "a", "scale": [True]}]),
    ("rubric", [{"text": "a", "check": {"max": 9}}]),
    ("rubric", [{"text": "a", "check": "length"}]),
    ("rubric", [{"text": "a", "effect": "veto"}]),
    ("rubric", [{"text": "a", "requires": 5}]),
    ("rubric", [{"text": "a", "evidence": "e"}]),
    ("rubric", [{"text": "a", "examples": [{"text": "e"}]}]),
    ("rubric", {"criteria": ["a"], "tree": {"children": ["c1"]}}),
    ("case", {"prompt": "p", "rubric": ["a"]}),
    ("case", {"id": "t", "rubric": ["a"]}),
    ("case", {"id": "t", "prompt": "p", "messages": ["q"], "rubric": ["a"]}),
    ("case", {"id": "t", "prompt": 5, "rubric": ["a"]}),
    ("case", {"id": "t", "prompt": [], "rubric": ["a"]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "colour": 1}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "responses": [5]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "responses": [{}]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "responses": [{"text": "x", "messages": ["y"]}]}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "references": "r"}),
    ("verdict", {"criterion": "c1", "value": 1}),
    ("verdict", {"response": "r", "value": 1}),
    ("verdict", {"response": "r", "criterion": "c1", "value": [1]}),
    ("verdict", {"response": "r", "criterion": "c1", "state": "lost"}),
    ("verdict", {"response": "r", "criterion": "c1", "value": 1, "probs": "x"}),
    ("verdict", {"response": "r", "criterion": "c1", "value": 1, "repeat": 0.5}),
    ("response", {"text": "x"}),
    ("response", {"task": "t"}),
    ("response", {"task": "t", "text": "x", "messages": ["y"]}),
]
LOOSE: list[tuple[str, Any]] = [
    ("verdict", {"response": "r", "criterion": "c1", "value": 1, "score": 3}),
    ("response", {"task": "t", "text": "x", "modle": "m"}),
    ("case", {"id": "t", "prompt": "p", "rubric": ["a"], "responses": [{"text": "x", "sytem": "s"}]}),
    ("rubric", [{"text": "a", "scale": "wat"}]),
    ("rubric", [{"text": "a", "scale": {"type": "stars"}}]),
    ("rubric", [{"text": "a", "scale": {"type": "likert", "pionts": 3}}]),
    ("rubric", [{"text": "a", "scale": []}]),
    ("rubric", [{"text": "a", "threshold": 7}]),
    ("rubric", [{"text": "", "weight": 1}]),
    ("rubric", [{"text": "a", "check": {"kind": "length", "options": {}, "max": 3}}]),
    ("verdict", {"response": "r", "criterion": "c1", "value": 1, "state": "failed"}),
    ("verdict", {"response": "r", "criterion": "c1", "state": "decided"}),
    ("verdict", {"response": "r", "criterion": "c1", "state": "failed", "cause": "dunno"}),
]


def fits(name: str, value: Any) -> bool:
    """Return whether a value fits a schema."""
    return Draft202012Validator(json_schema(name)).is_valid(value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema_of_draft_2020_12_and_plain_json(name: str) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema
    targets = {r.removeprefix("#/$defs/") for r in _references(schema)}
    assert targets <= set(schema["$defs"])


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [r for k, v in value.items() for r in ([v] if k == "$ref" else _references(v))]
    return [r for v in value for r in _references(v)] if isinstance(value, list) else []


@pytest.mark.parametrize(("name", "value"), GOOD, ids=[f"{n} {json.dumps(v)[:70]}" for n, v in GOOD])
def test_what_the_reader_reads_fits_the_schema(name: str, value: Any) -> None:
    if name != "case" or "rubric" in value:  # a case may leave its rubric to --rubric
        READERS[name](value)
    Draft202012Validator(json_schema(name)).validate(value)


@pytest.mark.parametrize(("name", "value"), BAD, ids=[f"{n} {json.dumps(v)[:70]}" for n, v in BAD])
def test_what_the_reader_refuses_does_not_fit_the_schema(name: str, value: Any) -> None:
    with pytest.raises(FormatError):
        READERS[name](value)
    with pytest.raises(ValidationError):
        Draft202012Validator(json_schema(name)).validate(value)


@settings(max_examples=40)
@given(made=cases())
def test_all_that_is_written_fits_its_schema(made: Case) -> None:
    written = json.loads(json.dumps(case_to_dict(made)))
    assert fits("case", written)
    assert fits("rubric", json.loads(json.dumps(plain(made.rubric))))
    criteria = {c.id: c for c in made.rubric.criteria}
    for verdict in made.verdicts:
        assert fits("verdict", json.loads(json.dumps(verdict_to_dict(verdict, criteria[verdict.criterion]))))


def test_a_schema_has_every_key_of_a_criterion() -> None:
    assert set(json_schema("rubric")["$defs"]["Criterion"]["properties"]) == {f.name for f in fields(Criterion)}


def test_a_schema_describes_every_key_of_a_criterion() -> None:
    assert [k for k, p in json_schema("rubric")["$defs"]["Criterion"]["properties"].items() if not p.get("description")] == []


def test_a_schema_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no schema 'run'; there are case, rubric, verdict, response"):
        json_schema("run")


@pytest.mark.parametrize(("name", "value"), LOOSE, ids=[f"{n} {json.dumps(v)[:70]}" for n, v in LOOSE])
def test_the_schema_is_as_strict_as_the_reader(name: str, value: Any) -> None:
    with pytest.raises(FormatError):
        READERS[name](value)
    assert not fits(name, value)
