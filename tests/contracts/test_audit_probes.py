"""Every probe of the room `audit` keeps its contract: ids stay, cases without the thing are left out, the given cases are untouched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from criterial.audit.probe import Probe
from criterial.catalogue import entries, find
from criterial.core.method import Method
from criterial.core.task import Case, Media
from criterial.formats.native import case_of
from criterial.run.probing import PROBES

METHODS = [find(name) for name in sorted(entries()) if name.startswith("audit.")]
each_probe = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
PIXEL = Media("image/png", b"\x89PNG\r\n\x1a\n" + bytes(8), "pixel.png")
TURNS = (("assistant", "First."), ("user", "And?"), ("assistant", "Second one."))
LEVELS = {"type": "ordinal", "levels": ["bad", "fair", "good"]}


def cases() -> list[Case]:
    criteria = [{"id": "a", "text": "is good"}, {"id": "b", "text": "has a list", "scale": LEVELS}]
    responses = [
        {"id": "r0", "system": "x", "text": "One thing is so. Another is not. A third may be."},
        {"id": "r1", "system": "y", "text": "# Title\n\n- one\n- **two**"},
        {"id": "r2", "system": "x", "text": ""},
        {"id": "r3", "system": "x", "messages": [{"role": r, "content": c} for r, c in TURNS]},
    ]
    made = [case_of({"id": f"t{i}", "prompt": "p", "rubric": {"criteria": criteria}, "responses": responses}) for i in range(2)]
    seen = replace(made[0].task, id="seen", messages=tuple(replace(m, media=(PIXEL,)) for m in made[0].task.messages))
    return [*made, replace(made[0], task=seen)]


@each_probe
def test_a_probe_changes_something_and_keeps_every_id(method: Method) -> None:
    given = cases()
    before = [c.digest for c in given]
    found: Probe = method.call(given, None)
    assert [c.digest for c in given] == before
    assert found.variants and found == method.call(given, None)
    known = {c.task.id: c for c in given}
    for variant in found.variants:
        assert variant.name and variant.cases
        for case in variant.cases:
            base = known[case.task.id]
            assert [r.id for r in case.responses] == [r.id for r in base.responses]
            assert {c.id for c in case.rubric.criteria} <= {c.id for c in base.rubric.criteria}
            assert case.digest != base.digest or found.anew
            assert case.verdicts == ()


@each_probe
def test_no_cases_make_no_variant(method: Method) -> None:
    assert method.call([], None).variants == ()


def test_all_probes_are_made_unless_some_are_named() -> None:
    assert sorted(PROBES) == sorted(m.name for m in METHODS)
