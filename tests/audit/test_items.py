"""criterial.audit.items: planted faults are found and clean items left alone, honest subsets, layouts of tables, and real sets."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import kendalltau
from typer.testing import CliRunner

from criterial.audit.item_matrix import matrix_of_table
from criterial.audit.items import ItemAudit, items
from criterial.cli.audit_items import app
from criterial.compare.evidence import Marks
from criterial.core.builder import table_of
from criterial.core.criterion import Criterion
from criterial.core.rubric import Rubric
from criterial.core.scale import Likert
from criterial.core.table import VerdictTable
from criterial.core.verdict import State
from criterial.errors import ConfigError
from criterial.report.items import items_json, items_page
from criterial.report.page_html import html_page
from criterial.report.page_terminal import show_page
from criterial.run.existing import given_verdicts
from criterial.run.loading import load_cases
from criterial.run.ranking import gather
from tests.helpers_tables import case, crit, response, rubric, shared, table

Floats = NDArray[np.float64]


def planted(rows: int, count: int, seed: int) -> tuple[np.random.Generator, Floats]:
    rng = np.random.default_rng(seed)
    theta, slope, difficulty = rng.normal(size=rows), 1.3 * np.exp(0.3 * rng.normal(size=count)), rng.normal(size=count)
    return rng, (rng.random((rows, count)) < expit(slope * (theta[:, None] - difficulty))).astype(np.float64)


def marks(value: Floats, known: NDArray[np.bool_] | None = None) -> Marks:
    systems, count = (tuple(f"{letter}{i:03}" for i in range(n)) for letter, n in zip("si", value.shape, strict=True))
    there = np.ones(value.shape, dtype=np.bool_) if known is None else known
    return Marks(systems, count, value, there, ("",), np.zeros(value.shape[1], dtype=np.int64))


def rubric_table(value: Floats, faults: tuple[int, ...] = ()) -> VerdictTable:
    made = rubric(*(crit(f"i{i:03}", -1.0 if i in faults else 1.0) for i in range(value.shape[1])))
    return table(made, value.tolist())


def flagged(audit: ItemAudit, code: str) -> set[str]:
    return {f.where for f in audit.findings if f.code == code}


def test_wrong_keys_and_only_they_are_reversed() -> None:
    exact = 0
    for seed in range(2):
        _, value = planted(80, 100, seed)
        r = np.array([np.corrcoef(x, value.sum(axis=1) - x)[0, 1] if np.ptp(x) else 0.0 for x in value.T])
        wrong = np.argsort(-r)[:50:10]
        value[:, wrong] = 1 - value[:, wrong]
        audit = items(marks(value))
        assert all(f.severity == "error" for f in audit.findings if f.code == "reversed")
        exact += flagged(audit, "reversed") == {f"i{i:03}" for i in wrong}
    assert exact == 2


def test_faults_of_a_rubric_are_found_and_clean_criteria_left_alone() -> None:
    false, clean = 0, 0
    for seed in range(3):
        rng, value = planted(240, 14, seed)
        middle = np.argsort(np.abs(value.mean(axis=0) - 0.5))
        twin, near, coin, always = (int(i) for i in middle[-4:])
        first, second = sorted((int(middle[0]), twin)), sorted((int(middle[1]), near))
        value[:, twin] = value[:, middle[0]]
        value[:, near] = value[:, middle[1]]
        value[:2, near] = 1 - value[:2, near]
        value[:, coin], value[:, always] = rng.random(240) < 0.5, 1.0
        audit = items(rubric_table(value))
        assert flagged(audit, "duplicated") == {f"i{first[1]:03}"}
        assert f"i{second[1]:03}" in flagged(audit, "redundant")
        assert {(p.first, p.second) for p in audit.pairs if p.twins} == {(f"i{a:03}", f"i{b:03}") for a, b in (first, second)}
        assert flagged(audit, "saturated") == {f"i{always:03}"}
        assert f"i{coin:03}" in flagged(audit, "uninformative") | flagged(audit, "reversed")
        planted_ones = {f"i{i:03}" for i in (*first, *second, coin, always)}
        false += len({f.where for f in audit.findings if f.severity != "note"} - planted_ones)
        clean += 14 - len(planted_ones)
    assert clean == 24 and false <= 1


@pytest.mark.parametrize(("rows", "count", "seeds"), [(80, 60, 1), (200, 15, 3), (20, 40, 2)])
def test_clean_items_are_seldom_flagged(rows: int, count: int, seeds: int) -> None:
    found: Counter[str] = Counter()
    for seed in range(seeds):
        audit = items(marks(planted(rows, count, 50 + seed)[1]))
        found.update(f.code for f in audit.findings if f.severity != "note")
    total = sum(found.values()) / (seeds * count)
    assert found["reversed"] == found["duplicated"] == 0 and total <= 0.02


def test_figures_are_those_of_the_marks() -> None:
    _, value = planted(60, 8, 3)
    audit = items(rubric_table(value))
    assert [i.rate.value for i in audit.items] == pytest.approx(value.mean(axis=0))
    rest = [np.corrcoef(value[:, i], np.delete(value, i, axis=1).sum(axis=1))[0, 1] for i in range(8)]
    assert [i.total.value for i in audit.items] == pytest.approx(rest)
    own, whole = value.var(axis=0).sum(), value.sum(axis=1).var()
    assert audit.alpha.value == pytest.approx(8 / 7 * (1 - own / whole))
    assert (audit.alpha.low or 1.0) < (audit.alpha.value or 0.0) < (audit.alpha.high or 0.0)
    assert audit.model == "2pl" and all(i.slope.low is not None and i.slope.low > 0 for i in audit.items)
    assert len(audit.abilities) == 60 and audit.unit == "responses"


def test_criteria_that_it_is_bad_to_meet_are_turned_round() -> None:
    _, value = planted(120, 8, 4)
    value[:, 3] = 1 - value[:, 3]
    plain, told = items(rubric_table(value)), items(rubric_table(value, faults=(3,)))
    assert flagged(plain, "reversed") == {"i003"} and not flagged(told, "reversed")
    assert told.items[3].turned and (told.items[3].total.value or 0) == pytest.approx(-(plain.items[3].total.value or 0))
    value[:, 3] = 0.0
    assert any("avoided by all 120" in f.message for f in items(rubric_table(value, faults=(3,))).findings)


def test_few_rows_get_no_word_on_discrimination() -> None:
    _, value = planted(12, 20, 5)
    audit = items(marks(value))
    assert audit.model == "rasch" and {n.code for n in audit.notes} >= {"few_rows"}
    assert all(i.slope.value is None and ("estimable" in i.slope.method or "same" in i.slope.method) for i in audit.items)
    value[:, 0] = 1.0
    same = next(f for f in items(marks(value)).findings if f.where == "i000")
    assert (same.code, same.severity) == ("saturated", "note")


def test_alike_by_chance_is_not_duplicated() -> None:
    _, value = planted(40, 30, 6)
    value[:, :2] = 0.0
    value[np.argmax(value.sum(axis=1)), :2] = 1.0  # the best system alone got both right
    audit = items(marks(value))
    assert not flagged(audit, "duplicated") and not any({"i000", "i001"} == {p.first, p.second} for p in audit.pairs)


def test_repeats_that_differ_are_told() -> None:
    rng, value = planted(80, 6, 7)
    again = value.copy()
    again[:, 2] = np.where(rng.random(80) < 0.3, 1 - value[:, 2], value[:, 2])
    made = rubric(*(crit(f"i{i:03}") for i in range(6)))
    audit = items(table(made, value.tolist(), again.tolist()))
    assert flagged(audit, "inconsistent") == {"i002"}
    assert audit.items[2].flips is not None and audit.items[2].flips.value == pytest.approx(np.mean(again[:, 2] != value[:, 2]))
    assert audit.items[0].flips is not None and audit.items[0].flips.value == 0
    assert items(table(made, value.tolist())).items[0].flips is None


def test_rows_are_systems_where_rubrics_differ_by_task() -> None:
    _, value = planted(10, 12, 8)
    systems = [f"m{s}" for s in range(10)]
    cases = [
        case(rubric(crit(f"a{t}"), crit(f"b{t}")), [response(f"r{s}", system=systems[s]) for s in range(10)], f"t{t}") for t in range(6)
    ]
    verdicts = []
    blank = table(rubric(crit("x"), crit("y")), [[1.0, 0.0]]).verdict(0, 0)
    for t, c in enumerate(cases):
        for s, r in enumerate(c.responses):
            for k, name in enumerate((f"a{t}", f"b{t}")):
                verdicts.append(replace(blank, response=r.id, criterion=name, task=f"t{t}", value=float(value[s, 2 * t + k])))
    made = table_of(cases, verdicts)
    matrix = matrix_of_table(made)
    assert matrix.unit == "systems" and matrix.rows == tuple(systems) and matrix.items[:3] == ("t0/a0", "t0/b0", "t1/a1")
    assert np.array_equal(matrix.value_RI, value)
    assert matrix_of_table(made, "responses").unit == "responses"
    nameless = replace(made, systems=("",) * len(made.systems))
    with pytest.raises(ConfigError, match="name the system"):
        items(nameless)


def test_marks_between_the_ends_are_cut_for_the_model_alone() -> None:
    rng, _ = planted(1, 1, 9)
    theta = rng.normal(size=150)
    points = np.clip(np.round(3 + theta[:, None] + rng.normal(size=(150, 6))), 1, 5)
    made = Rubric(tuple(Criterion(f"i{i}", f"asks {i}", scale=Likert(5)) for i in range(6)))
    audit = items(table(made, points.tolist()))
    assert [i.rate.value for i in audit.items] == pytest.approx((points.mean(axis=0) - 1) / 4)
    assert np.isin(audit.fit.value_SI, (0, 1)).all() and np.all(np.abs(audit.fit.value_SI.mean(axis=0) - 0.5) < 0.25)
    assert np.corrcoef([a.value or 0.0 for _, a in audit.abilities], theta)[0, 1] > 0.85
    assert "cut" in {n.code for n in audit.notes} and audit.alpha.value is not None and audit.alpha.value > 0.7


def test_shrinking_keeps_the_order_of_a_planted_rubric() -> None:
    rng, telling = planted(300, 8, 10)
    noise = (rng.random((300, 22)) < 0.97).astype(np.float64)
    value = np.hstack([noise, telling])
    audit = items(rubric_table(value))
    few = audit.shrink(8)
    assert sum(int(name[1:]) >= 22 for name in few.items) >= 7
    assert few.agreement.low is not None and few.agreement.low > 0.75
    whole, part = value.sum(axis=1), value[:, [int(n[1:]) for n in few.items]].sum(axis=1)
    assert few.agreement.value == pytest.approx(kendalltau(part, whole)[0], abs=0.03)
    taus = [t.value or 0.0 for _, t in audit.curve]
    assert audit.curve[-1][0] == 30 and taus[-1] == pytest.approx(1.0) and np.all(np.diff(taus) > -0.03)
    with pytest.raises(ConfigError, match="cannot keep 31"):
        audit.shrink(31)


def test_items_are_tried_on_rows_that_did_not_choose_them() -> None:
    # On noise alone, the items that look most telling look so on the rows at hand only.
    rng = np.random.default_rng(11)
    taus = []
    for _ in range(2):
        audit = items(marks((rng.random((40, 80)) < 0.5).astype(np.float64)))
        few = audit.shrink(10)
        assert "one half" in few.agreement.method
        chosen = [int(n[1:]) for n in few.items]
        own = kendalltau(audit.matrix.value_RI[:, chosen].sum(axis=1), audit.matrix.value_RI.sum(axis=1))[0]
        taus.append((few.agreement.value or 0.0, own))
    tried, flattered = np.mean(taus, axis=0)
    assert flattered - tried > 0.15


def test_reversed_items_and_second_twins_are_no_part_of_a_subset() -> None:
    _, value = planted(200, 10, 12)
    middle = np.argsort(np.abs(value.mean(axis=0) - 0.5))
    value[:, middle[1]] = value[:, middle[0]]
    value[:, middle[2]] = 1 - value[:, middle[2]]
    audit = items(rubric_table(value))
    out = {f"i{max(middle[:2]):03}", f"i{middle[2]:03}"}
    assert out.isdisjoint(audit.shrink(8).items) and audit.curve[-1][0] == 8


def test_unanswered_cells_are_left_out() -> None:
    rng, value = planted(90, 8, 13)
    holes = rng.random(value.shape) < 0.3
    cells: list[list[Any]] = [
        [State.ABSTAINED if h else v for v, h in zip(row, gone, strict=True)] for row, gone in zip(value, holes, strict=True)
    ]
    for row in cells:
        row[7] = None
    audit = items(table(rubric(*(crit(f"i{i:03}") for i in range(8))), cells))
    assert [i.n for i in audit.items[:7]] == (~holes).sum(axis=0)[:7].tolist()
    assert flagged(audit, "undecided") == {"i007"} and audit.alpha.value is None
    assert audit.items[0].rate.value == pytest.approx(value[~holes[:, 0], 0].mean())


@pytest.mark.parametrize(
    ("value", "says"),
    [(np.ones((10, 1)), "2 items"), (np.ones((3, 5)), "4 systems"), (np.full((10, 5), 7.0), "divide"), (np.eye(5), None)],
)
def test_what_is_too_small_or_no_mark_is_refused(value: Floats, says: str | None) -> None:
    if says is None:
        known = np.eye(5, dtype=np.bool_)
        with pytest.raises(ConfigError, match="no item has verdicts on 4"):
            items(marks(value, known))
        return
    with pytest.raises(ConfigError, match=says):
        items(marks(value))


def test_the_same_seed_gives_the_same_audit_whatever_the_order_of_rows() -> None:
    _, value = planted(60, 10, 14)
    one, two, turned = items(marks(value)), items(marks(value)), items(marks(value[::-1]))
    assert items_json(one) == items_json(two)
    assert [i.total.value for i in turned.items] == pytest.approx([i.total.value for i in one.items])
    assert [f.code for f in turned.findings if f.severity != "note"] == [f.code for f in one.findings if f.severity != "note"]


def test_edges_give_figures_or_none_and_never_a_warning() -> None:
    for value in (np.ones((10, 4)), np.zeros((10, 4)), np.tile([[0.0], [1.0]], (5, 4)), np.eye(10)[:, :4]):
        audit = items(marks(value))
        text = items_json(audit, audit.shrink(1))
        assert json.loads(text)["rows"] == 10
        show_page(items_page(audit), StringIO())
        assert "<svg" in html_page(items_page(audit)) or not any(i.difficulty.value for i in audit.items)


def test_the_command_shows_what_it_found(tmp_path: Path) -> None:
    _, value = planted(40, 12, 15)
    value[:, 5] = 1 - value[:, np.argmin(np.abs(value.mean(axis=0) - 0.5))]
    names = [f"q{i}" for i in range(12)]
    rows = [",".join(["system", *names])] + [",".join([f"m{s}", *(str(int(v)) for v in value[s])]) for s in range(40)]
    path = tmp_path / "marks.csv"
    path.write_text("\n".join(rows) + "\n")
    page = tmp_path / "out" / "audit.html"
    done = CliRunner().invoke(app, [str(path), "--shrink", "3", "--html", str(page), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert [f["where"] for f in told["findings"] if f["code"] == "reversed"] == ["q5"]
    assert len(told["subset"]["items"]) == 3 and "<svg" in page.read_text()
    shown = CliRunner().invoke(app, [str(path)])
    assert "reversed" in shown.stdout and "better systems do worse on it" in " ".join(shown.stdout.split())
    for fault in ([str(path), "--judge", "x"], [str(path), "--shrink", "99"]):
        assert isinstance(CliRunner().invoke(app, fault).exception, ConfigError)


@cache
def real(path: str) -> VerdictTable:
    return table_of(*given_verdicts(load_cases(shared(path))))


def test_metrics_that_are_others_restated_are_told_on_a_real_set() -> None:
    # ScholarQA's overall citation score is made of its two parts, and so are the ratings; ratings do not go with the scores
    whole = real("data/scholarqa_cs2")
    audit = items(whole.rows(np.arange(len(whole.responses)) % 3 == 0))
    assert audit.unit == "responses" and len(audit.items) == 9
    twins = {frozenset((p.first, p.second)) for p in audit.pairs if p.twins}
    assert twins == {frozenset(("overall_citation", part)) for part in ("citation_precision", "citation_recall")}
    off = flagged(audit, "uninformative") | flagged(audit, "reversed")
    assert off >= {"overall_citation_rating", "citation_precision_rating", "citation_recall_rating"} and "overall" not in off


def test_units_that_all_or_no_summary_holds_are_told_on_a_real_set() -> None:
    audit = items(real("data/realsumm_scu"))
    assert audit.unit == "systems" and len(audit.items) == 647 and audit.model == "rasch"
    same = {n for n, x in zip(audit.matrix.items, audit.matrix.value_RI.T, strict=True) if np.ptp(x) == 0}
    assert flagged(audit, "saturated") == same and not flagged(audit, "duplicated")


def test_a_real_benchmark_shrinks() -> None:
    whole = gather([shared("data/zeroeval_matrix")]).marks
    some_I = np.flatnonzero([item.startswith("math-l5/") for item in whole.items])[:200]
    asked_S = whole.known_SI[:, some_I].any(axis=1)
    value, known = whole.value_SI[asked_S][:, some_I], whole.known_SI[asked_S][:, some_I]
    audit = items(marks(value, known))
    assert value.shape == (36, 200) and not flagged(audit, "reversed") and not flagged(audit, "duplicated")
    assert audit.enough is not None and audit.enough < 150
    same = [f"i{i:03}" for i in range(200) if len(np.unique(value[known[:, i], i])) == 1]
    assert flagged(audit, "saturated") == set(same) and len(same) > 1
