"""`criterial audit`: a run against labels, judges of a file side by side, and what is wrong with what was given."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from criterial.model.scripted import ScriptedProvider
from tests.helpers_cli import Command
from tests.helpers_runs import planted_cases


@pytest.fixture
def graded(criterial: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run by a judge who says yes to fact 0 alone, and labels of two people in labels.jsonl."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=30)))
    with ScriptedProvider(truth=lambda criterion, *_: "yes" if "fact 0" in criterion else "no") as provider:
        run = json.loads(criterial("grade", "cases.jsonl", "--judge", f"decisions:m@{provider.url}", "--json"))
    rng = random.Random(0)
    lines = []
    for response in run["responses"]:
        for criterion, truth in (("c0", 1), ("c1", 0)):
            for person in ("ann", "bob"):
                value = truth if rng.random() < 0.9 else 1 - truth
                lines.append(
                    {"task": response["task"], "response": response["id"], "criterion": criterion, "value": value, "judge": person}
                )
    (tmp_path / "labels.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    return str(run["run"])


def test_a_run_is_audited_against_labels(criterial: Command, graded: str) -> None:
    text = criterial("audit", graded, "--labels", "labels.jsonl", "--resamples", "200", "--html", "audit.html")
    assert "Audit of m" in text and "better than chance" in text and "People among themselves" in text and "Calibrators" in text
    (found,) = json.loads(criterial("audit", "judge", graded, "--labels", "labels.jsonl", "--resamples", "200", "--json"))["judges"]
    assert found["raters"] == 2 and found["criteria"] and found["calibration"]["bins"]
    page = Path("audit.html").read_text()
    assert page.count("<svg") >= 2 and "<script" not in page


def test_judges_of_a_file_stand_side_by_side(criterial: Command, shared: Path) -> None:
    text = criterial("audit", str(shared / "data" / "pandalm"), "--people", "annotator-*", "--resamples", "100")
    assert "Audit of 2 judges" in text and text.index("gpt-3.5-turbo") < text.index("pandalm-7b")


def test_who_the_people_are_must_be_said(criterial: Command, graded: str) -> None:
    criterial("audit", graded, status=2)
    assert "Pass --labels FILE, or --people NAME" in criterial.err
    criterial("audit", graded, "--people", "nobody", status=2)
    assert "no verdict is by nobody" in criterial.err
    criterial("audit", "--help")


def test_a_judge_behind_an_endpoint_is_probed(criterial: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=12)))
    with ScriptedProvider() as provider:
        told = ("audit", "probe", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--probe", "one_by_one", "--probe", "master_keys")
        planned = json.loads(criterial(*told, "--dry-run", "--json"))
        assert provider.bill["requests"] == 0
        text = criterial(*told, "--html", "probes.html")
        assert provider.bill["requests"] == planned["calls"]
        found = json.loads(criterial(*told, "--json"))
        assert provider.bill["requests"] == planned["calls"]  # all of it is on record
    assert "one_by_one" in text and "credited" in text and Path("probes.html").read_text().count("<svg") == 1
    shown = {r["probe"]: r["key"]["value"] for r in found["results"]}
    assert shown["one_by_one"] == 0.0 and shown["master_keys"] > 0.05  # the scripted judge goes by the question alone
    assert {r["probe"]: r["sound"] for r in found["results"]}["master_keys"] is False


def test_a_judge_is_attacked_with_the_tasks_of_the_set_or_with_others(
    criterial: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(criterial("audit", "injection", "--judge", "gullible", "--undefended", "--dry-run", "--json"))["calls"] == 2 * 13 * 25
    assert "embedded, undefended" in criterial("audit", "injection", "--undefended", "--sample", "1", "--json")
    text = criterial("audit", "injection", "--judge", "gullible", "--undefended", "--sample", "5", "--html", "injection.html")
    assert "0.00 of it" in text and "closing mark" in text and "undefended" in text
    assert "closing mark" in Path("injection.html").read_text()
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=3)))
    with ScriptedProvider(truth=lambda criterion, shown, labels: labels[0]) as provider:
        found = json.loads(criterial("audit", "injection", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--json"))
        assert provider.bill["requests"] == 13 * found["responses"]
    assert found["version"] and found["plain"] is None and {r["raised"]["value"] for r in found["fenced"]["results"]} == {0.0}
    criterial("audit", "injection", "cases.jsonl", "--judge", "gullible", "--budget", "5calls", status=3)
    assert "run the same command again" in criterial.err
