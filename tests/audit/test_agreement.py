"""Agreement of a planted judge is its planted error rate, within an interval that holds it; and it is of the same cells or refused."""

from __future__ import annotations

from collections.abc import Sequence

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from statsmodels.stats.inter_rater import fleiss_kappa

from criterial.audit.agreement import agreement as measures_of
from criterial.audit.agreement import base_rate, people_agree
from criterial.audit.matched import matched
from criterial.core.builder import table_of
from criterial.core.rubric import Rubric
from criterial.core.score import Estimate
from criterial.core.table import VerdictTable
from criterial.core.verdict import Verdict
from criterial.errors import TableError
from tests.helpers_tables import ABSTAINED, COUNT, FAILED, NA, THREE, Cell, binary, case, crit, response, rubric, table

WIDTH = 4


def planted(rng: np.random.Generator, tasks: int, error: float, yes: float) -> tuple[VerdictTable, VerdictTable]:
    """Return a judge that turns each label round with a known chance, and the labels."""
    label = rng.random((tasks, WIDTH)) < yes
    judged = label ^ (rng.random(label.shape) < error)
    made = binary(*[1.0] * WIDTH)
    return table(made, judged.astype(float).tolist()), table(made, label.astype(float).tolist())


def agreement(judged: VerdictTable, labels: VerdictTable, resamples: int = 200, seed: int = 0) -> dict[str, Estimate]:
    """Return the figures by name, with the base rate."""
    cells = matched(judged, labels)
    found = {m.name: m.figure for m in measures_of(cells, resamples, seed)}
    return found | {"base rate": base_rate(cells)}


def expected_kappa(error: float, yes: float) -> float:
    said = yes * (1 - error) + (1 - yes) * error
    chance = yes * said + (1 - yes) * (1 - said)
    return (1 - error - chance) / (1 - chance)


@pytest.mark.parametrize(("error", "yes"), [(0.1, 0.5), (0.25, 0.8)])
def test_the_error_rate_of_a_planted_judge_lies_in_the_intervals_as_often_as_they_say(error: float, yes: float) -> None:
    rng = np.random.default_rng(42)
    truth = {"accuracy": 1 - error, "kappa": expected_kappa(error, yes), "base rate": yes}
    held = dict.fromkeys(truth, 0)
    for seed in range(60):
        found = agreement(*planted(rng, 60, error, yes), resamples=400, seed=seed)
        for name, value in truth.items():
            figure = found[name]
            held[name] += figure.low <= value <= figure.high
    assert all(51 <= count <= 60 for count in held.values()), held  # 57 expected, 3.5 standard deviations below


def test_figures_are_scikit_learns_over_the_cells_that_both_decided() -> None:
    rng = np.random.default_rng(1)
    said, label = rng.random((30, WIDTH)) < 0.6, rng.random((30, WIDTH)) < 0.5
    lost, unlabelled = rng.random((30, WIDTH)) < 0.2, rng.random((30, WIDTH)) < 0.1
    made = binary(*[1.0] * WIDTH)
    judged = [[FAILED if gone else float(v) for v, gone in zip(*row, strict=True)] for row in zip(said, lost, strict=True)]
    labels = [[None if gone else float(v) for v, gone in zip(*row, strict=True)] for row in zip(label, unlabelled, strict=True)]
    found = agreement(table(made, judged), table(made, labels), resamples=50)
    both = ~lost & ~unlabelled
    assert found["base rate"].value == pytest.approx(label[~unlabelled].mean())
    assert found["accuracy"].value == pytest.approx((said == label)[both].mean())
    assert found["kappa"].value == pytest.approx(cohen_kappa_score(said[both], label[both]))
    assert (found["accuracy"].n, found["kappa"].n, found["AUROC"].value) == (both.sum(), both.sum(), None)
    assert found["AUROC"].method == "the judge gives no probabilities"


def test_a_judge_that_says_what_the_labels_say_is_right_everywhere() -> None:
    _, labels = planted(np.random.default_rng(0), 20, 0.0, 0.5)
    found = agreement(labels, labels)
    assert (found["accuracy"].value, found["kappa"].value, found["MCC"].value, found["leniency"].value) == (1.0, 1.0, 1.0, 0.0)


def test_a_judge_that_always_says_the_opposite_agrees_less_than_by_chance() -> None:
    rows = [[1, 0, 1, 0], [0, 1, 0, 1]]
    found = agreement(table(binary(1, 1, 1, 1), rows), table(binary(1, 1, 1, 1), rows[::-1]))
    assert (found["accuracy"].value, found["kappa"].value) == (0.0, -1.0)


def graded(score: Sequence[float], abstains: Sequence[bool]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for p, silent in zip(score, abstains, strict=True):
        probs = {"probs": (1 - p, p)}
        rows.append([{"state": ABSTAINED, "cause": "uncertain", **probs} if silent else {"value": float(p >= 0.5), **probs}])
    return rows


def test_auroc_ranks_all_cells_with_probabilities_those_that_the_judge_abstained_on_too() -> None:
    rng = np.random.default_rng(9)
    score = rng.integers(0, 17, 80) / 16  # exact in float32, with ties
    label = rng.random(80) < score
    silent = np.abs(score - 0.5) < 0.2
    found = agreement(table(binary(1), graded(score, silent)), table(binary(1), [[float(v)] for v in label]))
    assert found["AUROC"].value == pytest.approx(roc_auc_score(label, score))
    assert found["AUROC"].value != pytest.approx(roc_auc_score(label[~silent], score[~silent]))
    assert (found["AUROC"].n, found["accuracy"].n) == (80, (~silent).sum())
    assert found["AUROC"].low is not None
    assert found["AUROC"].high is not None
    assert found["AUROC"].low < found["AUROC"].value < found["AUROC"].high


def test_auroc_of_repeats_ranks_by_the_mean_of_the_probabilities_that_were_given() -> None:
    label = [1, 0, 1, 0, 1]
    first: list[list[Cell]] = [*graded([0.75, 0.5, 0.25, 0.0], [False] * 4), [FAILED]]
    second: list[list[Cell]] = [*graded([0.25, 0.5, 1.0], [False] * 3), [1.0], [1.0]]
    found = agreement(table(binary(1), first, second), table(binary(1), [[v] for v in label]))["AUROC"]
    assert found.value == pytest.approx(roc_auc_score(label[:4], [0.5, 0.5, 0.625, 0.0]))
    assert found.n == 4  # the last cell has a verdict, but no probability


def test_probabilities_of_levels_rank_by_how_likely_the_criterion_is_met() -> None:
    made = rubric(crit("a", scale=THREE))
    probs = [(0.5, 0.5, 0.0), (0.75, 0.0, 0.25), (0.0, 0.5, 0.5), (0.25, 0.5, 0.25)]  # at half credit or more: .5, .25, 1, .75
    judged = table(made, [[{"value": 0.0, "probs": p}] for p in probs])
    found = agreement(judged, table(made, [[2], [0], [2], [0]]))
    assert found["AUROC"].value == pytest.approx(roc_auc_score([1, 0, 1, 0], [0.5, 0.25, 1.0, 0.75]))


def test_several_labellers_are_pooled_by_majority() -> None:
    made = binary(1)
    labels = table(made, [[1], [0]], [[1], [1]], [[0], [0]], judges=("ann", "bob", "cy"))
    assert agreement(table(made, [[1], [0]]), labels)["accuracy"].value == 1.0


def test_accuracy_is_of_marks_and_rates_are_of_sides_of_the_threshold() -> None:
    made = rubric(crit("a", scale=COUNT), crit("b", scale=THREE))  # half credit itself counts as met
    found = agreement(table(made, [[3, 1], [1, 1], [2, 0]]), table(made, [[2, 2], [0, 2], [1, 0]]))
    assert found["accuracy"].value == pytest.approx(1 / 6)
    assert found["TPR"].value == 1.0 and found["TNR"].value == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("judged", "labels", "figure", "value", "method"),
    [
        ([[FAILED], [FAILED]], [[1], [0]], "kappa", None, "there is nothing to take it of"),
        ([[FAILED], [FAILED]], [[1], [0]], "accuracy", None, "nothing to take a mean of"),
        ([[1], [1]], [[1], [1]], "kappa", None, "all ratings are the same"),
        (graded([0.75, 0.5], [False] * 2), [[1], [1]], "AUROC", None, "the labels are all of one kind"),
        (
            [[1], [0], [1]],
            [[1], [0], [0]],
            "kappa",
            0.4,
            "no interval: in more than one resample in twenty all ratings are the same",
        ),  # too many resamples hold one kind alone
    ],
)
def test_a_figure_that_is_undefined_is_none_and_says_why(
    judged: list[list[Cell]], labels: list[list[Cell]], figure: str, value: float | None, method: str
) -> None:
    found = agreement(table(binary(1), judged), table(binary(1), labels))[figure]
    assert found.value == (None if value is None else pytest.approx(value))
    assert (found.low, found.high, found.method) == (None, None, method)
    assert found.n == (0 if "nothing" in method else len(judged))


def test_within_one_task_there_are_figures_but_no_intervals() -> None:
    rows, labels = [[1], [0], [1], [0]], [[1], [0], [0], [0]]
    found = agreement(table(binary(1), rows, one_task=True), table(binary(1), labels, one_task=True))
    assert (found["accuracy"].value, found["kappa"].value) == (0.75, 0.5)
    assert (found["accuracy"].low, found["kappa"].low, found["kappa"].method) == (None, None, "no interval: all from one cluster")


def test_two_tasks_are_enough_for_an_interval() -> None:
    rows, labels = [[1, 0, 1], [0, 1, 1]], [[1, 0, 0], [0, 1, 1]]
    found = agreement(table(binary(1, 1, 1), rows), table(binary(1, 1, 1), labels))["kappa"]
    assert found.method == "bootstrap of 2 tasks"


def test_intervals_are_drawn_over_tasks_and_repeat_by_their_seed() -> None:
    tables = planted(np.random.default_rng(3), 30, 0.2, 0.5)
    first, again, other = (agreement(*tables, resamples=100, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first["kappa"].low != other["kappa"].low
    assert first["kappa"].method == "bootstrap of 30 tasks"


def test_people_agree_as_krippendorff_and_statsmodels_say() -> None:
    rng = np.random.default_rng(5)
    truth = rng.random(60) < 0.5
    votes = [[[float(t ^ (rng.random() < 0.15))] for t in truth] for _ in range(4)]
    labels = table(binary(1), *votes, judges=("ann", "bob", "cy", "dee"))
    found = {m.name: m.figure.value for m in people_agree(matched(labels, labels), 100)}
    each_JI = np.array(votes)[:, :, 0]
    counts_IL = np.stack([(each_JI == level).sum(axis=0) for level in (0, 1)], axis=1)
    assert found["alpha"] == pytest.approx(krippendorff.alpha(each_JI, level_of_measurement="nominal"))
    assert found["Fleiss' kappa"] == pytest.approx(fleiss_kappa(counts_IL))


def test_one_person_stands_beside_the_judge_where_there_are_several() -> None:
    rng = np.random.default_rng(6)
    truth = rng.random(400) < 0.5
    votes = [[[float(t ^ (rng.random() < 0.1))] for t in truth] for _ in range(3)]
    judged = table(binary(1), [[float(t)] for t in truth])
    cells = matched(judged, table(binary(1), *votes, judges=("ann", "bob", "cy")))
    found = {m.name: m for m in measures_of(cells, 100)}
    # a perfect judge agrees with the majority of three (right in .972); one person with the lower of two others, who are often split
    assert found["accuracy"].figure.value == pytest.approx(0.972, abs=0.02)
    assert found["accuracy"].people is not None and 0.75 < found["accuracy"].people.value < 0.92
    assert found["AUROC"].people is None and {m.people for m in measures_of(matched(judged, judged), 100)} == {None}


LABELLED = table(binary(1, 1), [[1, 0]])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (table(binary(1, 2), [[1, 0]]), "other cases"),
        (table(binary(1), [[1]]), "other cases"),
        (table(binary(1, 1), [[1, 0], [1, 1]]), "other cases"),
        (table(binary(1, 1), [[FAILED, NA]]), "no cell has a label"),
    ],
    ids=["another weight", "another rubric", "more responses", "no label"],
)
def test_labels_of_other_cases_and_no_labels_are_refused(labels: VerdictTable, message: str) -> None:
    with pytest.raises(TableError, match=message):
        agreement(LABELLED, labels)


def about(task: str) -> VerdictTable:
    return table_of([case(binary(1), [response("r0")], task)], [Verdict("r0", "c0", value=1.0)])


def test_labels_of_another_task_are_refused() -> None:
    with pytest.raises(TableError):
        agreement(about("one"), about("another"))


NEEDY = rubric(crit("a"), crit("b", requires=("a",)))


def compared(judged: list[Cell], labels: list[Cell], made: Rubric = NEEDY) -> dict[str, Estimate]:
    return agreement(table(made, [judged]), table(made, [labels]))


def test_verdicts_are_compared_as_they_were_given() -> None:
    assert compared([0, 1], [0, 0])["accuracy"].value == 0.5


def test_only_cells_with_a_label_are_labelled() -> None:
    assert compared([0, 1], [0, None])["accuracy"].n == 1


def test_the_interval_of_a_share_stays_within_0_and_1() -> None:
    found = agreement(table(binary(1), [[1], [0], [1]]), table(binary(1), [[1], [1], [1]]))["accuracy"]
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low <= found.high <= 1.0


def test_the_interval_of_a_share_near_one_holds_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        right = rng.random(20) < 0.95
        found = agreement(table(binary(1), [[float(v)] for v in right]), table(binary(1), [[1.0]] * 20), resamples=100)["accuracy"]
        held += (found.low or 0.0) <= 0.95 <= (found.high or 0.0)
    assert held >= 180
