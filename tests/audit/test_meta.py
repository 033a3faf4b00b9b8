"""criterial.audit.meta: figures published on ScholarQA-CS2 come out again, slips too where asked for; planted metrics are told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from criterial.audit.meta import Meta, Metric, Stratum, meta_evaluation
from criterial.cli.audit_meta import app
from criterial.core.builder import table_of
from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Numeric
from criterial.core.table import VerdictTable
from criterial.core.task import Case, Message, Response, Task
from criterial.core.verdict import State, Verdict
from criterial.errors import ConfigError
from criterial.formats.load import read_cases
from criterial.formats.pairing import PAIR
from criterial.maths.preferences import GRID, calibrated_tie
from criterial.report.json import as_json
from criterial.report.meta import meta_page
from criterial.report.page import Grid
from criterial.report.page_html import html_page
from tests.helpers_files import real

RESAMPLES = 200
ASSIGNED = {"overall": 0.01, "answer_precision": 0.01, "answer_recall": 0.01, "citation_precision": 0.13, "citation_recall": 0.15}
"""The released script calibrates to how often people tie in ratings of the metric itself. Of assigned pairs nobody rated more than the
citations, and where there is no rating it takes people to tie never: hence the .01 of the card."""
EXPERTS = {"overall": 0.01, "answer_precision": 0.1, "answer_recall": 0.15, "citation_precision": 0.07, "citation_recall": 0.13}


@cache
def released() -> tuple[list[Case], VerdictTable]:
    cases = read_cases(real("scholarqa_cs2"))
    return cases, table_of(cases, [v for c in cases for v in c.verdicts])


def on_released(*people: str, **told: object) -> Meta:
    return meta_evaluation(*released(), people, resamples=RESAMPLES, **told)  # type: ignore[arg-type]


def of(stratum: Stratum, name: str, against: str = "preference") -> Metric:
    (found,) = [m for m in stratum.metrics if (m.name, m.against) == (name, against)]
    return found


def figures(stratum: Stratum, name: str, against: str = "preference") -> tuple[float, float]:
    found = of(stratum, name, against)
    return round(found.agreement.value, 4), round(found.tau.value, 4)


def test_the_published_agreement_on_assigned_pairs() -> None:
    (found,) = on_released("annotator-*", strata=["set:*_assigned"], tie=ASSIGNED).strata
    assert (found.pairs, found.opinions) == (600, 1200)
    assert figures(found, "overall") == (0.5158, 0.2511)
    assert figures(found, "answer_recall")[0] == 0.4725
    assert figures(found, "citation_precision")[0] == 0.4225
    assert figures(found, "answer_precision")[0] == 0.345  # which is less than chance
    assert of(found, "answer_precision").above.value == pytest.approx(-0.0251, abs=1e-4)
    # the card: metric-wise output compares incompatible fields here; ratings are criteria of their own, so there is none
    assert {m.against for m in found.metrics} == {"preference"}


def test_the_published_agreement_of_annotators_and_what_it_should_have_been() -> None:
    (found,) = on_released("annotator-*", strata=["set:*_assigned"], compat="released").strata
    assert [round(v, 3) for v in found.among.released] == [0.55, 0.829]
    # by pair, and with opposite decisions in what the half credit is a share of
    assert [round(e.value, 3) for e in (found.among.strict, found.among.half)] == [0.558, 0.688]
    assert found.among.strict.n == 600


def test_the_published_order_of_systems_is_the_mean_over_annotators() -> None:
    taus = [on_released(f"annotator-{i}", strata=["set:*_assigned"], metrics=["overall"]).strata[0].systems[0] for i in (1, 2)]
    assert [round(s.tau.value, 3) for s in taus] == [0.467, 0.333]  # .40 in the mean
    (both,) = on_released("annotator-*", strata=["set:*_assigned"], metrics=["overall"]).strata
    assert both.systems[0].without["elicit"] == pytest.approx(0.8) and both.systems[0].tau.value == pytest.approx(7 / 15)


def test_the_published_agreement_on_pairs_that_annotators_agree_on() -> None:
    (found,) = on_released("human", strata=["set:*_agreement_only"], tie=0.01).strata
    assert found.pairs == 335 and figures(found, "overall") == (0.6239, 0.3606)
    assert found.systems[0].tau.value == pytest.approx(0.6)


def test_the_published_agreement_with_experts_by_preference_and_by_rating() -> None:
    near, deep = on_released("human", strata=["set:chosen", "set:authored"], tie=EXPERTS).strata
    assert (near.pairs, deep.pairs) == (60, 75)
    assert figures(near, "overall") == (0.65, 0.5008)
    assert figures(near, "answer_recall", "rating") == (0.5833, 0.4899)
    assert figures(near, "citation_recall", "rating") == (0.6333, 0.5854)
    assert figures(deep, "overall") == (0.5733, 0.2465)
    assert deep.systems[0].tau.value == pytest.approx(0.690, abs=5e-4)


def test_the_published_thresholds_come_from_ties_of_ratings() -> None:
    cases, table = released()
    verdicts = {(v.response, v.criterion, v.judge): v.value for v in table.verdicts()}

    def ahead(kind: Sequence[str], criterion: str, judge: str) -> np.ndarray:
        pairs = [c.responses for c in cases if c.task.tags[0].removeprefix("set:") in kind]
        sides = [[verdicts.get((r.id, criterion, judge)) for r in pair] for pair in pairs]
        return np.array([a - b for a, b in sides if a is not None and b is not None])

    for metric in ("citation_precision", "citation_recall"):
        kind = ("dev_assigned", "test_assigned")
        ties = [(ahead(kind, f"{metric}_rating", f"annotator-{i}") == 0).mean() for i in (1, 2)]
        mean = np.mean([calibrated_tie(ahead(kind, metric, "metric"), t, GRID) for t in ties])
        assert mean == pytest.approx(ASSIGNED[metric])
    for metric, t in EXPERTS.items():
        share = (ahead(("authored", "chosen"), metric, "human") == 0).mean()
        assert calibrated_tie(ahead(("authored", "chosen"), metric, "metric"), share, GRID) == pytest.approx(t)


def test_left_to_itself_a_metric_ties_as_often_as_people_and_is_not_tuned_on_its_own_pairs() -> None:
    (found,) = on_released("annotator-*", strata=["set:*_assigned"]).strata
    for metric in found.metrics:
        assert metric.crossfitted and abs(metric.metric_ties - metric.people_ties) <= 0.02
    near, _ = on_released("human", strata=["set:chosen", "set:authored"]).strata
    assert not of(near, "overall").crossfitted


def test_what_a_reader_must_know_of_the_released_data() -> None:
    told = on_released("annotator-*", strata=["set:*_assigned"]).notes
    said = {n.code: f"{n.message}; {n.hint}" for n in told}
    assert set(said) == {"level", "iaa", "no_ratings", "chance", "outlier"}
    assert "agree on 56% of pairs (by chance 38%)" in said["iaa"]
    assert said["chance"].startswith("set:*_assigned: not shown to agree with people more than by chance: answer_precision;")
    assert "tau of 0.47, without elicit 0.80" in said["outlier"]
    experts = {n.code for n in on_released("human", strata=["set:authored"]).notes}
    assert "no_iaa" in experts and "no_ratings" not in experts


def test_every_set_is_a_stratum_and_all_pairs_are() -> None:
    found = on_released("human", "annotator-*", metrics=["overall"]).strata
    kinds = ["authored", "chosen", "dev_assigned", "dev_assigned_agreement_only", "test_assigned", "test_assigned_agreement_only"]
    assert [s.name for s in found] == [*(f"set:{k}" for k in kinds), "all"]
    assert found[-1].opinions == 1335 + 335 == sum(s.opinions for s in found[:-1])


# ------------------------------------------------------------------------------------------------------------------ planted metrics

SYSTEMS = ("a", "b", "c", "d", "e")
NAMES = ("good", "noise", "cost")
RUBRIC = Rubric((PAIR, *(Criterion(n, n, Numeric(-9, 9), weight=-1.0 if n == "cost" else 0.0) for n in NAMES)))


def planted(pairs: int = 200, seed: int = 0, swap: bool = False) -> tuple[list[Case], VerdictTable]:
    """Return pairs whose people see the truth through noise; `good` is the truth, `cost` the truth turned round, `noise` is none."""
    rng = np.random.default_rng(seed)
    strength = {s: i * 0.5 for i, s in enumerate(SYSTEMS)}
    cases, verdicts = [], []
    for i in range(pairs):
        two = rng.choice(SYSTEMS, 2, replace=False)
        truth = np.array([strength[s] for s in two]) + rng.normal(size=2)
        seen = [truth[0] - truth[1] + rng.normal() for _ in range(2)]
        noise = rng.normal(size=2)
        answers = [Response(f"t{i}/{s}", (Message("assistant", "x"),), system=str(s)) for s in two]
        cases.append(Case(Task(f"t{i}", (Message("user", f"q{i // 2}"),)), RUBRIC, tuple(answers[::-1] if swap else answers)))
        for sign, (answer, t, n) in zip((1, -1), zip(answers, truth, noise, strict=True), strict=True):
            for judge, ahead in zip(("ann", "bob", "model"), (*seen, truth[0] - truth[1]), strict=True):
                value = 1.0 + sign * (0.0 if abs(ahead) < 0.4 else np.sign(ahead))
                verdicts.append(Verdict(answer.id, PAIR.id, value=float(value), judge=judge, task=f"t{i}"))
            for name, value in (("good", t), ("noise", n), ("cost", -t)):
                verdicts.append(Verdict(answer.id, name, value=float(np.clip(value, -9, 9)), judge="metric", task=f"t{i}"))
    return cases, table_of(cases, verdicts)


PEOPLE = ("ann", "b*b")


def test_a_good_metric_and_noise_are_told_apart_and_a_cost_counts_the_other_way() -> None:
    found = meta_evaluation(*planted(), PEOPLE, resamples=RESAMPLES)
    (stratum,) = found.strata
    good, noise, cost, model = (of(stratum, n) for n in ("good", "noise", "cost", "model"))
    assert good.above.low > 0.1 and good.tau.low > 0.4 and noise.above.low < 0 < noise.above.high
    assert (cost.agreement, cost.tau, cost.tie) == (good.agreement, good.tau, pytest.approx(good.tie))
    assert (model.tie, model.crossfitted) == (0.0, False)  # a judge of pairs ties where it says so
    assert [n.message for n in found.notes if n.code == "chance"] == ["all: not shown to agree with people more than by chance: noise"]
    order = next(s for s in stratum.systems if s.name == "good")
    assert order.systems == SYSTEMS[::-1] and order.tau.value == 1.0 and set(order.without.values()) == {1.0}
    assert order.tau.value == pytest.approx(stats.kendalltau(order.people, order.metric)[0])


def test_which_response_of_a_pair_comes_first_changes_nothing() -> None:
    one, other = (meta_evaluation(*planted(60, swap=s), PEOPLE, resamples=RESAMPLES) for s in (False, True))
    assert one == other


def test_pairs_that_ask_the_same_are_one_cluster() -> None:
    (found,) = meta_evaluation(*planted(60), PEOPLE, resamples=RESAMPLES).strata
    assert found.among.strict.method == "bootstrap of 30 questions"


def test_scores_that_are_missing_are_counted_and_left_out() -> None:
    cases, table = planted(60)
    lost = [replace(v, state=State.FAILED, value=None, cause="timeout") if v.task == "t3" and v.criterion == "good" else v
            for v in table.verdicts()]  # fmt: skip
    found = meta_evaluation(cases, table_of(cases, lost), PEOPLE, resamples=RESAMPLES)
    good = of(found.strata[0], "good")
    assert (good.pairs, good.lacking, good.agreement.n) == (59, 1, 118)
    assert any(n.code == "lacking" and n.message.endswith("by good") for n in found.notes)


def test_strategies_and_fixed_thresholds() -> None:
    cases, table = planted(60)
    told: Mapping[str, object] = {"people": PEOPLE, "metrics": ["good"], "resamples": 50}
    at = {s: of(meta_evaluation(cases, table, strategy=s, **told).strata[0], "good") for s in ("threshold", "partial", "exclude")}
    assert at["partial"].tie == 0.0 and at["partial"].metric_ties == 0.0
    assert at["partial"].agreement.value == pytest.approx(
        of(meta_evaluation(cases, table, tie=0.0, **told).strata[0], "good").agreement.value + at["partial"].people_ties / 2
    )
    assert at["exclude"].agreement.n < at["threshold"].agreement.n
    everywhere = of(meta_evaluation(cases, table, tie=1.0, **told).strata[0], "good")
    assert everywhere.metric_ties == 1.0 and everywhere.tau.value is None and everywhere.above.value == pytest.approx(0.0)


def test_too_few_systems_have_no_order() -> None:
    cases, table = planted(60)
    names = {r.id: "ab"[r.system < "c"] for c in cases for r in c.responses}
    cases = [replace(c, responses=tuple(replace(r, system=names[r.id]) for r in c.responses)) for c in cases]
    (found,) = meta_evaluation(cases, table_of(cases, table.verdicts()), PEOPLE, resamples=50).strata
    assert found.systems[0].tau.value is None and found.systems[0].tau.method == "an order needs three systems"
    assert found.systems[0].without == {}


def test_names_that_cannot_be_used_say_what_there_is() -> None:
    cases, table = planted(10)
    for told, says in (
        ({"people": ["nobody"]}, "no judge is nobody: the judges are ann, bob, metric, model"),
        ({"people": PEOPLE, "metrics": ["x"]}, "no metric 'x': there are good, noise, cost, model"),
        ({"people": ["*"]}, "no judge but people scored or compared a pair"),
        ({"people": ["metric"]}, "people judged no pair"),
        ({"people": PEOPLE, "strata": ["set:x"]}, "people judged no pair with a tag 'set:x'"),
        ({"people": PEOPLE, "compat": "old"}, "no compat 'old'"),
        ({"people": PEOPLE, "strategy": "drop"}, "no strategy 'drop'"),
    ):
        with pytest.raises(ConfigError, match=says.replace("*", r"\*")):
            meta_evaluation(cases, table, **told)
    with pytest.raises(ConfigError, match="of other cases"):
        meta_evaluation(cases[1:], table, PEOPLE)


# ---------------------------------------------------------------------------------------------------------------------------- faces


def test_a_page_and_json_hold_every_figure() -> None:
    found = meta_evaluation(*planted(40), PEOPLE, compat="released", resamples=50)
    page = meta_page(found)
    grids = [b for b in page.blocks if isinstance(b, Grid)]
    assert [len(g.rows) for g in grids] == [2, 4, 4, 5]
    assert all(len(row) == len(g.columns) for g in grids for row in g.rows)
    assert page.notes == found.notes and "as released" in html_page(page)
    told = json.loads(as_json(found))
    assert told["strata"][0]["metrics"][0]["agreement"]["value"] == found.strata[0].metrics[0].agreement.value


def test_the_command_shows_and_writes(tmp_path: Path) -> None:
    source = str(real("scholarqa_cs2") / "pairwise_chosen.json.gz")
    shown = CliRunner().invoke(app, [source, "--people", "human", "--metric", "overall", "--html", str(tmp_path / "m" / "o.html")])
    assert shown.exit_code == 0 and "60 pairs, 60 opinions by human" in shown.stdout
    assert "metrics on systems" in (tmp_path / "m" / "o.html").read_text(encoding="utf-8")
    told = json.loads(CliRunner().invoke(app, [source, "--people", "human", "--tie", "0.01", "--json"]).stdout)
    (overall,) = [m for m in told["strata"][0]["metrics"] if (m["name"], m["against"]) == ("overall", "preference")]
    assert overall["agreement"]["value"] == pytest.approx(0.65)
