"""Drift and red-team audits of cases: graded under both rubrics from the record, with one budget, and as commands that gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from criterial.audit.red_team import AttackOptions
from criterial.cli import audit_drift
from criterial.core.ports import Answer, DecisionReply, DecisionRequest, Usage
from criterial.errors import ConfigError, FormatError
from criterial.report.drift import attack_json, attack_page, drift_json, drift_page
from criterial.report.page_html import html_page
from criterial.run.admission import Budget
from criterial.run.drifting import drift_of, drift_plans, red_team_of, red_team_plan
from tests.helpers_cli import Command

OLD = {"criteria": [{"id": "c", "text": "answers the question"}, {"id": "d", "text": "is polite"}]}
NEW = {"criteria": [{"id": "c", "text": "answers the question, briefly"}, {"id": "d", "text": "is polite"}]}
SAME = {"criteria": [{"id": "c", "text": "answers the question asked"}, {"id": "d", "text": "is polite"}]}


def cases(n: int = 200, labelled: bool = True) -> list[dict[str, Any]]:
    """Return cases whose responses all answer and half of which are long, in two domains."""
    made = []
    for i in range(n):
        answer: dict[str, Any] = {"id": f"r{i}", "system": "s", "text": f"{i} " + "so " * (100 if i % 4 == 0 else 5)}
        if labelled:
            answer["verdicts"] = {"c": 1, "d": 1}
        made.append({"id": f"t{i}", "prompt": f"question {i}", "tags": [f"domain:{'ab'[i % 2]}"], "rubric": OLD, "responses": [answer]})
    return made


class Reader:
    """A judge who says yes, but no to long responses where a criterion says ``briefly``; asked for words, it makes criteria brief."""

    identity = name = "reader"
    calibrated = True
    questions_per_call = 100

    def __init__(self) -> None:
        self.calls = 0

    async def decide(self, request: DecisionRequest) -> DecisionReply:
        self.calls += 1
        long = len(request.input.blocks[-1].text) > 100
        answers = []
        for question in request.questions:
            met = not ("briefly" in question.text and long)
            words = "c: answers the question, briefly" if request.input.repeat % 2 else f"d: is polite {request.input.repeat}"
            answers.append(Answer("decided", reason=words) if question.kind == "text" else Answer("decided", (float(not met), float(met))))
        return DecisionReply(tuple(answers), Usage(1))

    def estimate(self, request: DecisionRequest) -> Usage:
        return Usage(1)

    async def close(self) -> None:
        pass


def test_an_edit_that_loses_agreement_in_one_domain_is_blocked_and_nothing_is_asked_twice() -> None:
    judge = Reader()
    found = drift_of(None, NEW, cases(), judge)
    # the criterion that was not edited is on record from the first run
    assert judge.calls == 400 and not found.stopped
    assert found.drift is not None and found.drift.decision == "block" and found.drift.compared == "verdicts"
    by = {s.name: s for s in found.drift.slices}
    assert by["domain:a"].delta.value == pytest.approx(-0.25) and by["domain:b"].delta.value == 0.0
    assert {f.where for f in found.drift.why if f.severity == "error"} >= {"all", "domain:a"}
    assert found.drift.features[0].name == "longer" and found.drift.features[0].shift.value < 0
    assert [(c.criterion, c.flips) for c in found.drift.criteria] == [("c", 0.25), ("d", 0.0)]
    again = drift_of(OLD, NEW, cases(), judge)
    assert again.drift == found.drift and judge.calls == 400


def test_labels_come_from_a_file_or_from_the_cases_and_without_any_scores_are_compared(tmp_path: Path) -> None:
    lines = [{"response": f"r{i}", "criterion": "c", "value": int(i % 4 != 0)} for i in range(200)]
    (tmp_path / "labels.jsonl").write_text("\n".join(json.dumps(x) for x in lines))
    agreed = drift_of(None, NEW, cases(labelled=False), Reader(), tmp_path / "labels.jsonl").drift
    assert agreed is not None and agreed.slices[0].after.value == 1.0 and agreed.slices[0].delta.value == 0.25
    unlabelled = drift_of(None, NEW, cases(labelled=False), Reader()).drift
    assert unlabelled is not None and (unlabelled.compared, unlabelled.decision) == ("scores", "warn")
    # labels that came with the cases and are about neither rubric say nothing of them
    other = {"criteria": [{"id": "x", "text": "is right"}]}
    assert drift_of(other, {"criteria": [{"id": "x", "text": "is quite right"}]}, cases(), Reader()).drift.compared == "scores"


def test_a_budget_is_for_both_runs_together_and_a_stopped_one_goes_on() -> None:
    judge = Reader()
    found = drift_of(None, NEW, cases(20), judge, budget=Budget(calls=30))
    assert (found.drift, found.stopped, judge.calls) == (None, "budget", 30)
    first = drift_of(None, NEW, cases(20), judge, budget=Budget(calls=5))
    assert first.stopped == "budget" and judge.calls == 35
    done = drift_of(None, NEW, cases(20), judge, budget=Budget(calls=5))
    assert done.drift is not None and judge.calls == 40


def test_a_plan_counts_both_runs_without_a_call() -> None:
    judge = Reader()
    before, after = drift_plans(None, NEW, cases(10), judge)
    assert (before.calls, after.calls, judge.calls) == (10, 10, 0)


def test_a_red_team_finds_the_wording_and_the_same_search_asks_nothing_again() -> None:
    judge, editor = Reader(), Reader()
    options = AttackOptions(generations=2, sample=40, first_children=4, children=2, keep=3)
    # domain a has the long responses
    found = red_team_of(None, cases(400), "domain:b", "domain:a", editor, judge, attack=options)
    assert found.exposed and found.bench.delta.value == 0.0 and found.target.delta.value == pytest.approx(-0.25, abs=0.1)
    assert (found.fixes[0].code, found.fixes[0].where) == ("exploitable", "c")
    assert "'longer'" in found.fixes[0].hint and "briefly" not in attack_json(found)
    asked = judge.calls, editor.calls
    assert red_team_of(None, cases(400), "domain:b", "domain:a", editor, judge, attack=options) == found
    assert (judge.calls, editor.calls) == asked


def test_a_plan_of_a_red_team_is_an_upper_bound_and_asks_nothing() -> None:
    judge, editor = Reader(), Reader()
    options = AttackOptions(generations=2, sample=40, first_children=4, children=2, keep=3)
    planned = red_team_plan(None, cases(400), "domain:b", "domain:a", attack=options)
    assert (judge.calls, editor.calls) == (0, 0)
    found = red_team_of(None, cases(400), "domain:b", "domain:a", editor, judge, attack=options)
    assert 0 < found.judgements <= planned.judgements and 0 < editor.calls <= planned.edits
    assert red_team_plan(None, cases(400), "domain:b", "domain:a", attack=AttackOptions(budget=500)).judgements == 500


def test_a_red_team_needs_labels_tags_and_one_rubric() -> None:
    with pytest.raises(FormatError, match="carry no labels"):
        red_team_of(None, cases(labelled=False), "domain:a", "domain:b", Reader(), Reader())
    with pytest.raises(ConfigError, match="no labelled task has the tag 'domain:z'"):
        red_team_of(None, cases(), "domain:a", "domain:z", Reader(), Reader())
    mixed = cases()
    mixed[3] = {**mixed[3], "rubric": SAME}
    with pytest.raises(ConfigError, match="several rubrics"):
        red_team_of(None, mixed, "domain:a", "domain:b", Reader(), Reader())


def test_pages_show_the_decision_the_slices_and_what_to_mend_and_json_is_whole() -> None:
    found = drift_of(None, NEW, cases(), Reader()).drift
    assert found is not None
    html = html_page(drift_page(found))
    assert "BLOCK" in html and "domain:a" in html and "adds: question, briefly" in html and "r0" in html
    told = json.loads(drift_json(found))
    assert told["decision"] == "block" and told["slices"][0]["flips"] == pytest.approx(0.125) and len(told["flips"]) == 50
    passed = drift_of(None, SAME, cases(), Reader()).drift
    assert passed is not None and "Which way verdicts moved" not in html_page(drift_page(passed))
    options = AttackOptions(generations=1, sample=40, first_children=4, children=2, keep=3)
    attack = red_team_of(None, cases(400), "domain:b", "domain:a", Reader(), Reader(), attack=options)
    assert "What to mend" in html_page(attack_page(attack)) and json.loads(attack_json(attack))["target"]["lost"] > 0
    none = red_team_of(None, cases(400), "domain:a", "domain:b", Reader(), Reader(), attack=options)
    assert not none.exposed and json.loads(attack_json(none))["exposed"] is False and html_page(attack_page(none))


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with cases and rubrics, and the two functions as commands; the judge and editor are readers."""
    monkeypatch.chdir(tmp_path)
    made = audit_drift.app
    monkeypatch.setattr("criterial.cli.main._app", made)
    monkeypatch.setattr("criterial.run.grading.make_decider", lambda *_: Reader())
    monkeypatch.setattr("criterial.run.drifting.make_decider", lambda *_: Reader())
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(c) for c in cases(400)))
    for name, rubric in (("old", OLD), ("new", NEW), ("same", SAME)):
        (tmp_path / f"{name}.json").write_text(json.dumps(rubric))
    return tmp_path


def test_the_command_leaves_with_1_for_a_block_and_0_with_a_warning_beside_it(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Command(capsys)
    out = run("drift", "cases.jsonl", "--before", "old.json", "--after", "new.json", "--html", "drift.html", status=1)
    assert "BLOCK" in out and "block: agreement fell" in run.err and (app / "drift.html").read_text().startswith("<!doctype html>")
    told = json.loads(run("drift", "cases.jsonl", "--after", "same.json", "--tolerance", "1", "--json"))
    assert told["decision"] == "warn" and "warning: " in run.err and "of showing a change of 1 points" in run.err
    assert json.loads(run("drift", "cases.jsonl", "--after", "same.json", "--json"))["decision"] == "pass"
    assert "warning" not in run.err


def test_the_command_plans_and_stops_at_a_budget(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Command(capsys)
    out = run("drift", "cases.jsonl", "--after", "new.json", "--dry-run")
    assert "before: 400 calls" in out and "after: 400 calls" in out and not (app / "default-store.sqlite").exists()
    run("drift", "cases.jsonl", "--after", "new.json", "--budget", "100calls", status=3)
    assert "not complete (budget)" in run.err


def test_the_attack_command_leaves_with_1_where_the_rubric_is_exposed(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Command(capsys)
    told = ("--editor", "chat:x@http://localhost:1/v1", "--generations", "1")
    planned = run("attack", "cases.jsonl", "--rubric", "old.json", "--bench", "domain:b", "--target", "domain:a", *told, "--dry-run")
    assert "at most" in planned and "12 edits" in planned
    out = run("attack", "cases.jsonl", "--rubric", "old.json", "--bench", "domain:b", "--target", "domain:a", *told, status=1)
    assert "What to mend" in out and "exploitable" not in run.err
