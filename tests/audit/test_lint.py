"""Each kind of finding has a rubric that triggers it alone and one beside it that does not; HealthBench has the signs it has."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from criterial.audit.lint import CODES, lint
from criterial.core.criterion import Check, Criterion
from criterial.core.rubric import Node, Rubric
from criterial.core.scale import Likert
from criterial.formats.load import read_cases
from tests.helpers_tables import THREE, rubric, shared

PLAIN = "Names the capital of France"


def one(text: str = PLAIN, weight: float = 1.0, **fields: Any) -> Rubric:
    """Return a rubric of one criterion under examination and two that nobody can object to."""
    others = (Criterion("y", "Cites a source for every figure", weight=1.5), Criterion("z", "Writes in the second person", weight=1.5))
    return rubric(Criterion("x", text, weight=weight, **fields), *others)


def pair(first: str, second: str) -> Rubric:
    return rubric(Criterion("w", first), Criterion("x", second))


LONG = "It says so. " * 100
MANY_WORDS = "The first paragraph of the letter names the sender, the reader, the date, the place and the reason"
ANCHORS = ("bad", "poor", "fair")

FINDINGS: dict[str, list[tuple[Rubric, Rubric]]] = {
    "check": [
        (one(check=Check("lenght")), one(check=Check("length"))),
        (one(check=Check("regex")), one(check=Check("regex", {"pattern": "a"}))),
        (one(check=Check("regex", {"pattern": "(a"})), one(check=Check("regex", {"pattern": "(a)"}))),
        (one(check=Check("regex", {"pattern": "a", "flags": "q"})), one(check=Check("regex", {"pattern": "a", "flags": "is"}))),
        (one(check=Check("length", {"maxi": 5})), one(check=Check("length", {"max": 5}))),
        (one(check=Check("length", {"unit": "pages"})), one(check=Check("length", {"unit": "lines"}))),
        (one(applies_when=Check("contains")), one(applies_when=Check("contains", {"texts": ["a"]}))),
        (one(check=Check("python")), one(check=Check("python", {"function": "json:loads"}))),
    ],
    "duplicate": [(pair(PLAIN, "names  the CAPITAL, of France."), pair(PLAIN, "Names the capital of Spain"))],
    "near_duplicate": [(pair(MANY_WORDS, f"{MANY_WORDS} too"), pair(MANY_WORDS, f"{MANY_WORDS} and why each of them matters"))],
    "sign": [
        (one("Fails to name the capital"), one("Fails to name the capital", -1.0)),
        (one("The response omits the capital"), one("The response names what others omit")),
        (one("Includes unnecessary detail"), one("Includes necessary detail")),
        (one("Avoids jargon", -1.0), one("Avoids jargon")),
        (one("The answer correctly names it", -1.0), one("The answer names it correctly", -1.0)),
        (one("Ignores the question"), one("Ignores the question", 1.0, effect="gate")),
    ],
    "no_points": [
        (rubric(Criterion("x", PLAIN, weight=-1.0)), rubric(Criterion("x", PLAIN, weight=1.0))),
        (rubric(Criterion("x", PLAIN, effect="gate")), rubric(Criterion("x", PLAIN), tree=Node("root", children=("x",)))),
    ],
    "zero_weight": [(one(weight=0.0), one(weight=0.0, effect="gate"))],
    "dominant": [
        (one(weight=3.5), one(weight=3.0)),
        (one(weight=9.0), rubric(Criterion("x", PLAIN, weight=9.0), Criterion("y", "Cites a source"))),
    ],
    "compound": [
        (one("Is it short? Is it true?"), one("Is it short?")),
        (one("Names the sender; names the reader; names the date"), one("Names the sender; names the reader")),
        (one("Says who, as well as when, and also where"), one("Says who, as well as when")),
    ],
    "vague": [(one("Uses a good example"), one("Uses a goodly example")), (one("Is of high-quality"), one("Is of high, quality"))],
    "no_anchors": [(one(scale=Likert(3)), one(scale=Likert(3, ANCHORS))), (one(scale=Likert(5)), one(scale=THREE))],
    "long": [(one(LONG + "!" * 10), one(LONG[:1200]))],
    "checkable": [
        (one("Has at most 50 words"), one("Has at most fifty words")),
        (one("Is valid JSON"), one("Is invalid")),
        (one("Contains the word Paris"), one("Contains the name Paris")),
        (one("Has at least 3 bullets"), one("Has at least 3 bullets", check=Check("length", {"unit": "bullets", "min": 3}))),
    ],
    "uncapped": [(one(weight=-1.0, effect="deduct"), one(weight=-1.0, effect="deduct", cap=3.0))],
}


def test_every_kind_of_finding_has_its_rubrics_here() -> None:
    assert set(FINDINGS) == set(CODES)


@pytest.mark.parametrize(("code", "faulty", "sound"), [(code, *both) for code, pairs in FINDINGS.items() for both in pairs])
def test_a_fault_is_found_alone_and_its_neighbour_is_left_in_peace(code: str, faulty: Rubric, sound: Rubric) -> None:
    assert [(f.code, f.where) for f in lint(faulty)] == [(code, "rubric" if code == "no_points" else "x")]
    assert lint(sound) == []


@pytest.mark.parametrize("faulty", [pairs[0][0] for pairs in FINDINGS.values()], ids=list(FINDINGS))
def test_a_finding_says_what_is_wrong_in_one_line(faulty: Rubric) -> None:
    (found,) = lint(faulty)
    assert found.severity == {"check": "error", "duplicate": "warning", "sign": "warning", "no_points": "warning"}.get(found.code, "note")
    assert found.message
    assert "\n" not in found.message
    assert len(found.message) < 160


def test_a_dominant_criterion_is_told_with_its_share() -> None:
    (found,) = lint(one(weight=9.0))
    assert found.message == "holds 75% of all positive points"


def test_findings_stand_worst_first() -> None:
    faulty = rubric(
        Criterion("a", "Has a good style", weight=2.0),
        Criterion("b", "Lacks a date"),
        Criterion("c", PLAIN, check=Check("nothing")),
    )
    assert [f.severity for f in lint(faulty)] == ["error", "warning", "note"]


def test_wording_is_the_business_of_criteria_that_a_model_answers_yes_or_no() -> None:
    assert lint(one("Uses a good example", check=Check("length"))) == []
    assert lint(one("Uses a good example", scale=THREE)) == []


def test_a_python_check_is_no_fault_of_the_rubric_for_not_being_allowed_yet() -> None:
    assert lint(one(check=Check("python", {"function": "any.module:test"}))) == []


SIGNS = {
    ("86ae23e5-719c-4efd-9034-6a786bfda7f5", "c12", "merit"),
    ("c5d95e3b-dad1-4bd3-a0de-a6efe90f0eeb", "c8", "merit"),
    ("c9700c8a-3a62-4d73-bbd4-a3b137b61ab0", "c11", "merit"),
    ("c9700c8a-3a62-4d73-bbd4-a3b137b61ab0", "c14", "fault"),
    ("c1ad0687-f8a0-460a-b963-5e457e8f46f4", "c6", "fault"),
    ("5be1a1e9-5776-4150-8418-d7c316358edf", "c12", "merit"),
    ("2c913c6f-19fa-4a21-9c2f-fbf788e273c0", "c12", "merit"),
    ("2b9df31f-5fe6-4b94-b557-c7b76105f427", "c2", "merit"),
}
"""Criteria of HealthBench's development part whose points contradict their text; each was read."""


def test_healthbench_s_contradicting_signs_are_found_and_nothing_graver() -> None:
    cases = read_cases(shared("data/healthbench_500/tasks.jsonl.gz"))
    assert len(cases) == 311
    found = [(c, f) for c in cases for f in lint(c.rubric)]
    signs = {(c.task.id, f.where, "merit" if "for a merit" in f.message else "fault") for c, f in found if f.code == "sign"}
    assert signs == SIGNS
    assert Counter(f.severity for _, f in found if f.code != "sign").keys() == {"note"}


def test_flags_of_another_type_are_a_finding_and_no_crash() -> None:
    assert [f.code for f in lint(one(check=Check("regex", {"pattern": "a", "flags": 5})))] == ["check"]


@pytest.mark.parametrize(
    "check",
    [
        Check("length", {"min": "three"}),
        Check("contains", {"texts": 5}),
        Check("number", {"equals": "many"}),
        Check("json_schema", {"schema": {"type": "nonsense"}}),
    ],
    ids=lambda c: c.kind,
)
def test_a_check_whose_options_have_another_type_cannot_run(check: Check) -> None:
    assert [f.code for f in lint(one(check=check))] == ["check"]


def test_the_same_words_in_another_order_are_nearly_the_same() -> None:
    assert [f.code for f in lint(pair("The dog bites one man", "One man bites the dog"))] == ["near_duplicate"]
