"""The audit of a judge on planted faults, each of which it must find and no other, and on real sets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from criterial.audit.judge import JudgeAudit, JudgeAuditOptions, audit_judge
from criterial.core.builder import table_of
from criterial.core.verdict import State, Verdict
from criterial.formats.native import case_of
from criterial.run.auditing import audit

TASKS = 240


@cache
def planted(
    noise: float = 1.0,
    bias: float = 0.0,
    length: float = 0.0,
    favour: float = 0.0,
    sure: float = 1.0,
    silent: float = 0.0,
    seed: int = 0,
    people: int = 3,
    judge_repeats: int = 1,
    flip: float = 0.0,
    error: float = 0.1,
) -> JudgeAudit:
    """Audit a judge with known faults on three criteria of TASKS tasks, two systems, against people who err in a share `error`.

    Its log-odds are the truth's sign over `noise`, plus `bias`, plus `length` for each doubling of the response, plus `favour` for the
    system ``own``; it reports them multiplied by `sure`, keeps silent on a share `silent` and turns a share `flip` of its verdicts round.
    """
    rng = np.random.default_rng(seed)
    cases, judged, labels = [], [], []
    criteria = [{"id": f"c{i}", "text": f"does {i}"} for i in range(3)]
    for t in range(TASKS):
        doublings, system = int(rng.integers(3, 8)), "own" if rng.random() < 0.5 else "other"
        text = "word " * 2**doublings + ("\n- a point" if rng.random() < 0.5 else "")
        case = case_of(
            {"id": f"t{t}", "prompt": "p", "rubric": {"criteria": criteria}, "responses": [{"id": f"r{t}", "system": system, "text": text}]}
        )
        cases.append(case)
        for c in range(3):
            truth = rng.random() < 0.5
            logit = rng.logistic() * noise + (2.0 if truth else -2.0) + bias + length * (doublings - 5) + favour * (system == "own")
            for k in range(judge_repeats):
                yes = float(expit(np.clip(sure * logit, -30, 30)))
                value = float((yes >= 0.5) ^ (rng.random() < flip))
                quiet = rng.random() < silent
                judged.append(
                    Verdict(f"r{t}", f"c{c}", State.ABSTAINED, None, cause="uncertain", judge="j", repeat=k, task=f"t{t}")
                    if quiet
                    else Verdict(f"r{t}", f"c{c}", State.DECIDED, value, probs=(1 - yes, yes), judge="j", repeat=k, task=f"t{t}")
                )
            labels += [
                Verdict(f"r{t}", f"c{c}", State.DECIDED, float(truth ^ (rng.random() < error)), judge=f"p{j}", task=f"t{t}")
                for j in range(people)
            ]
    return audit_judge(table_of(cases, judged), table_of(cases, labels), cases, JudgeAuditOptions(resamples=400, own="own"))


def codes(found: JudgeAudit) -> set[str]:
    return {f.code for f in found.findings}


def test_an_honest_judge_is_found_to_be_one() -> None:
    found = planted()
    assert codes(found) == set()
    assert "better than chance" in found.verdict
    assert found.calibration is not None and found.calibration.debiased.value < 0.06
    assert not any(b.shows for b in found.biases) and {b.name for b in found.biases} == {"verbosity", "format", "self-preference"}
    assert len(found.criteria) == 3 and found.criteria[0].labelled == TASKS


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"noise": 1000.0}, "weak_criteria"),
        ({"bias": 2.0}, "leniency"),
        ({"bias": 2.0}, "policy_gap"),
        ({"sure": 4.0}, "uncalibrated"),
        ({"length": 1.0}, "bias_verbosity"),
        ({"favour": 2.0}, "bias_self-preference"),
        ({"favour": 2.0}, "functions_differently"),
        ({"silent": 0.3}, "undecided"),
        ({"judge_repeats": 3, "flip": 0.15}, "noisy"),
    ],
)
def test_a_planted_fault_is_found(fault: dict[str, float], code: str) -> None:
    assert code in codes(planted(**fault))  # type: ignore[arg-type]


def test_the_verdict_compares_with_chance_and_with_one_person() -> None:
    assert "not shown to be better than chance" in planted(noise=1000.0).verdict
    assert "as good as one person" in planted(noise=0.05).verdict
    assert "worse than one person" in planted(noise=3.0).verdict
    assert "no verdict has two labels" in planted(people=1).verdict


def test_a_judge_that_agrees_everywhere_is_said_to() -> None:
    found = planted(noise=1e-6, people=1, error=0.0)
    assert found.verdict == f"This judge says what people say in all of {3 * TASKS} verdicts (accuracy [0.98, 1.00])."


def test_the_curve_that_is_offered_makes_probabilities_come_true() -> None:
    found = planted(sure=4.0)
    assert found.calibration is not None
    platt = next(f for f in found.calibration.fitted if f.name == "platt")
    assert platt.change.high is not None and platt.change.high < 0
    slope = float(platt.method.partition("slope=")[2].partition(",")[0])
    assert slope == pytest.approx(0.25, abs=0.12)  # people are wrong in one of ten, so a little below a quarter


def test_flip_rates_are_the_planted_ones() -> None:
    found = planted(judge_repeats=3, flip=0.15)
    assert found.noise[0].criterion == ""
    assert found.noise[0].flips.low < 2 * 0.15 * 0.85 < found.noise[0].flips.high
    assert planted().noise == ()


def test_rates_are_set_right_where_only_some_verdicts_have_labels() -> None:
    """A lenient judge's rate lies above the truth's half by far; corrected by a fifth of labels it holds it."""
    rng = np.random.default_rng(3)
    cases, judged, labels = [], [], []
    for t in range(600):
        case = case_of(
            {
                "id": f"t{t}",
                "prompt": "p",
                "rubric": {"criteria": [{"id": "c", "text": "x"}]},
                "responses": [{"id": f"r{t}", "system": "a", "text": "x"}],
            }
        )
        truth = rng.random() < 0.5
        cases.append(case)
        judged.append(Verdict(f"r{t}", "c", State.DECIDED, float(truth or rng.random() < 0.4), judge="j", task=f"t{t}"))
        if t % 5 == 0:
            labels.append(Verdict(f"r{t}", "c", State.DECIDED, float(truth), judge="p", task=f"t{t}"))
    (rate,) = audit_judge(table_of(cases, judged), table_of(cases, labels), cases, JudgeAuditOptions(resamples=200)).rates
    assert rate.said.low > 0.6
    assert rate.corrected.low < 0.5 < rate.corrected.high
    assert rate.corrected.high - rate.corrected.low < rate.labelled.high - rate.labelled.low


def test_pandalms_people_and_judges_come_out_as_published(shared: Path) -> None:
    """People's kappas are .852, .879 and .862 on the whole set: the part here holds them; its judges agree as raw lines say."""
    folder = shared / "data" / "pandalm"
    published = {("annotator-1", "annotator-2"): 0.852, ("annotator-1", "annotator-3"): 0.879, ("annotator-2", "annotator-3"): 0.862}
    for (one, two), kappa in published.items():
        (found,) = audit(folder, people=[one], judges=[two], options=JudgeAuditOptions(resamples=300))
        figure = next(m.figure for m in found.measures if m.name == "kappa")
        assert figure.low <= kappa <= figure.high
    seven, three = audit(folder, people=["annotator-*"], options=JudgeAuditOptions(resamples=300))[::-1]
    assert (seven.judge, three.judge) == ("pandalm-7b", "gpt-3.5-turbo")
    assert seven.measures[0].figure.value == pytest.approx(0.637, abs=5e-4)
    assert "worse than one person" in seven.verdict


def test_gherkins_annotators_agree_near_what_is_published(shared: Path) -> None:
    """Fleiss' kappa .844 on the whole set lies in the interval of the 41 pairs here."""
    (found,) = audit(shared / "data" / "gherkin" / "labeled_pairs_overlap.jsonl.gz", people=["annotator-*"], judges=["consensus"])
    fleiss = next(m.figure for m in found.people if m.name == "Fleiss' kappa")
    assert fleiss.value == pytest.approx(0.902, abs=5e-4) and fleiss.low <= 0.844 <= fleiss.high


def test_llmbars_judges_have_their_accuracy_and_their_bias_of_position(shared: Path) -> None:
    judges = ["GPT-4/Vanilla", "Falcon/CoT"]
    strong, weak = sorted(
        audit(shared / "data" / "llmbar", people=["human"], judges=judges, options=JudgeAuditOptions(resamples=300)),
        key=lambda a: a.judge,
        reverse=True,
    )
    assert strong.judge == "GPT-4/Vanilla" and strong.measures[0].figure.value == pytest.approx(0.764, abs=5e-4)
    assert strong.labelled == 878  # 439 pairs in both orders
    first = {a.judge: next(b for b in a.biases if b.name == "position") for a in (strong, weak)}
    assert first["Falcon/CoT"].figure.low > 0.9 and first["Falcon/CoT"].shows
    assert not first["GPT-4/Vanilla"].shows
