"""What each probe does to a text, and what is read of judges with planted faults: sound ones pass, each fault is caught by its probe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from criterial.audit.format import marked, plain
from criterial.audit.master_keys import KEYS
from criterial.audit.modality import CLASSES, classes_of, importance
from criterial.audit.probe import ProbeResult
from criterial.audit.verbosity import Verbosity, verbosity
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage
from criterial.errors import ConfigError
from criterial.formats.native import case_of
from criterial.model.gullible import is_order
from criterial.report.page import Words
from criterial.report.probing import probed_page
from criterial.run.admission import Budget
from criterial.run.probing import PROBES, plan_probes, probe

FACTS = [f"fact{i}" for i in range(4)]


class Judge:
    """Says yes where the fact is in the response, and has one fault."""

    calibrated, questions_per_call = True, 100

    def __init__(self, fault: str = "") -> None:
        self.name = self.identity = f"judge {fault}"
        self._fault = fault

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        shown = "\n".join(b.text for b in request.input.blocks if b.label == "response")
        number = len(request.questions)
        return DecisionReply(tuple(self._answer(shown, q.text, i, number) for i, q in enumerate(request.questions)), Usage(1))

    def _answer(self, shown: str, asked: str, place: int, number: int) -> Answer:
        yes = any(fact in asked and fact in shown for fact in FACTS)
        fault = self._fault
        yes |= fault == "long" and len(shown.split()) > 40
        yes |= fault == "markdown" and "- " in shown
        yes |= fault == "obeys" and is_order(shown)
        yes |= fault == "keys" and shown.strip() in KEYS
        yes |= fault == "prior" and "fact0" in asked
        yes |= fault == "first" and place == 0
        yes |= fault == "alone" and number == 1
        yes |= fault == "blind"
        return Answer("decided", (0.1, 0.9) if yes else (0.9, 0.1), graded=True)

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        pass


def cases(number: int = 100) -> list[Any]:
    rng = np.random.default_rng(0)
    rubric = {"criteria": [{"id": f, "text": f"states {f}"} for f in FACTS]}
    out = []
    for t in range(number):
        said = [f for f in FACTS if rng.random() < 0.5]
        text = f"Day {t} was calm. " + " ".join(f"Here it says that {f} holds." for f in said)
        out.append(case_of({"id": f"t{t}", "prompt": "p", "rubric": rubric, "responses": [{"id": f"r{t}", "text": text}]}))
    return out


def found(fault: str, names: Sequence[str] = ()) -> dict[str, ProbeResult]:
    return {r.probe: r for r in probe(cases(), Judge(fault), names, store="sqlite://").results}


def test_a_judge_that_reads_is_sound_under_every_probe() -> None:
    made = [n for n in PROBES if n not in ("option_order", "turn_order", "modality")]  # there is nothing to change for these
    assert {name: r.sound for name, r in found("").items()} == dict.fromkeys(made, True)


@pytest.mark.parametrize(
    ("fault", "caught"),
    [
        ("long", {"verbosity"}),
        ("markdown", {"format"}),
        ("obeys", {"injection"}),
        ("keys", {"master_keys"}),
        ("prior", {"master_keys", "withheld"}),
        ("first", {"criterion_order", "one_by_one", "master_keys", "withheld"}),
        ("alone", {"one_by_one"}),
        ("blind", {"corruption", "master_keys", "withheld"}),
    ],
)
def test_a_fault_is_caught_by_its_probe(fault: str, caught: set[str]) -> None:
    failed = {name for name, r in found(fault).items() if r.sound is False}
    assert failed == caught


def test_a_judge_that_nothing_moves_is_uninformative_and_a_page_says_what_to_do() -> None:
    """Card peem: a constant judge passes every probe of stability, and fails that of sensitivity."""
    page = probed_page(probe(cases(), Judge("blind"), store="sqlite://"))
    assert isinstance(page.blocks[0], Words) and page.blocks[0].text.startswith("Uninformative")
    assert "this judge does not read" in {n.where: n.hint for n in page.notes}["corruption"]
    sound = probed_page(probe(cases(), Judge(""), store="sqlite://"))
    assert (
        isinstance(sound.blocks[0], Words) and sound.blocks[0].text == "Sound under every probe that could be decided." and not sound.notes
    )


def test_a_dry_run_counts_all_probes_and_a_budget_is_shared_by_them() -> None:
    spent = plan_probes(cases(10), Judge(), ("verbosity", "injection"), store="sqlite://")
    assert spent.calls == 30
    stopped = probe(cases(10), Judge(), ("verbosity", "injection"), store="sqlite://", budget=Budget(calls=15))
    assert not stopped.complete
    with pytest.raises(ConfigError, match="there is no probe 'nothing'"):
        probe(cases(2), Judge(), ("nothing",))


def test_what_markdown_is() -> None:
    text = "# Title\n\n- one is **bold**\n2. two has `code`"
    assert plain(text) == "Title\n\none is bold\ntwo has code"
    assert plain(marked("It is so. It is not.")).split("\n") == ["Response", "", "It is so.", "It is not."]
    assert marked("One sentence") == "One sentence"


def test_longer_is_as_long_as_is_asked_for() -> None:
    (variant,) = verbosity(cases(3), Verbosity(times=3)).variants
    for case, base in zip(variant.cases, cases(3), strict=True):
        assert 3 <= len(case.responses[0].text.split()) / len(base.responses[0].text.split()) < 6
    with pytest.raises(ConfigError, match="more than 1"):
        Verbosity(times=1.0)


def test_the_truth_table_of_modalities() -> None:
    """Card mis: all eight patterns of (image, text, both)."""
    pattern = np.array([[i, t, b] for i in (0, 1) for t in (0, 1) for b in (0, 1)], dtype=bool)
    image, text, both = pattern.T
    of_image, of_text = importance(text, image, both)
    np.testing.assert_allclose(of_image, [0, 0.5, -1, -0.5, 0.5, 1, -0.5, 0])
    np.testing.assert_allclose(of_text, [0, 0.5, 0.5, 1, -1, -0.5, -0.5, 0])
    names = [CLASSES[c] for c in classes_of(text, image, both, np.zeros(8, dtype=bool))]
    assert names == ["neither", "both together", "conflict", "text alone", "conflict", "image alone", "conflict", "either"]
    assert CLASSES[classes_of(text, image, both, np.ones(8, dtype=bool))[0]] == "nothing at all"
