"""The command line as its user meets it: results on standard output, the rest on standard error, and a status that tells."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from criterial.model.scripted import FaultPlan, ScriptedProvider
from tests.helpers_cli import Command
from tests.helpers_runs import planted_cases

Run = Any


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRITERIAL_STORE")
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(c) for c in planted_cases()))
    return tmp_path


def test_the_simplest_line_is_graded_and_printed_as_one_object(criterial: Command, folder: Path) -> None:
    line = {
        "id": "t1",
        "prompt": "...",
        "rubric": [{"id": "c1", "text": "...", "weight": 2}],
        "responses": [{"id": "r1", "system": "a", "text": "It is so."}],
    }
    (folder / "one.jsonl").write_text(json.dumps(line))
    with ScriptedProvider(truth=lambda *_: "yes") as provider:
        shown = json.loads(criterial("grade", "one.jsonl", "--judge", f"chat:m@{provider.url}", "--json", "--price", "1,2"))
    assert shown["responses"] == [
        {
            "id": "r1",
            "task": "t1",
            "system": "a",
            "score": 1.0,
            "low": 1.0,
            "high": 1.0,
            "coverage": 1.0,
            "se": None,
            "vetoed_by": [],
            "acted": [],
        }
    ]
    (system,) = shown["systems"]
    assert {k: system[k] for k in ("system", "mean", "low", "high", "n")} == {"system": "a", "mean": 1.0, "low": None, "high": None, "n": 1}
    assert shown["verdicts"] == {"decided": 1, "abstained": 0, "not_applicable": 0, "failed": 0}
    assert (shown["calls"], shown["tokens"] > 0, shown["cost"] > 0) == (1, True, True)
    assert len(shown["run"]) == 10
    assert (folder / ".criterial/store.sqlite").exists()


def test_grade_report_runs_and_export_go_together(criterial: Command, folder: Path) -> None:
    with ScriptedProvider() as provider:
        judge = f"decisions:m@{provider.url}"
        first = json.loads(criterial("grade", "cases.jsonl", "--judge", judge, "--json", "--html", "out/report.html"))
        again = json.loads(criterial("grade", "cases.jsonl", "--judge", judge, "--json"))
    assert criterial.err == ""
    assert (first["calls"], again["calls"], again["total"]["calls"]) == (10, 0, 10)
    assert {k: v for k, v in first.items() if k not in ("calls", "tokens", "cost")} == {
        k: v for k, v in again.items() if k not in ("calls", "tokens", "cost")
    }
    assert (folder / "out/report.html").read_text().startswith("<!doctype html>")
    run = first["run"]
    assert json.loads(criterial("report", run[:4], "--json"))["responses"] == first["responses"]
    assert run in criterial("report")
    criterial("report", run, "--markdown", "report.md")
    assert run in (folder / "report.md").read_text()
    (listed,) = json.loads(criterial("runs", "--json"))
    assert (listed["run"], listed["state"], listed["judge"]) == (run, "finished", "m")
    assert run in criterial("runs")
    told = json.loads(criterial("runs", "show", run, "--json"))
    assert told["usage"]["calls"] == 10 and [s["outcome"] for s in told["sittings"]] == ["finished", "finished"]
    assert "10 requests" in criterial("runs", "show")
    for ending in ("jsonl", "csv", "parquet"):
        assert criterial("export", run, "--to", f"v.{ending}").startswith("40 verdicts")
    with (folder / "v.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 40


def test_exported_verdicts_score_the_same_without_a_judge(criterial: Command, folder: Path) -> None:
    with ScriptedProvider() as provider:
        graded = json.loads(criterial("grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--json"))
    criterial("export", "last", "--to", "v.jsonl")
    scored = json.loads(criterial("score", "cases.jsonl", "--verdicts", "v.jsonl", "--json"))
    assert scored["responses"] == graded["responses"]
    assert scored["calls"] == 0


def test_score_takes_another_policy_and_a_common_rubric(criterial: Command, folder: Path) -> None:
    (folder / "rubric.json").write_text(json.dumps([{"id": "c0", "text": "a", "weight": -1}]))
    (folder / "v.jsonl").write_text(json.dumps({"response": "t0/r0", "criterion": "c0", "value": True}))

    def score(*more: str) -> Any:
        return json.loads(criterial("score", "cases.jsonl", "--verdicts", "v.jsonl", "--rubric", "rubric.json", "--json", *more))[
            "responses"
        ][0]["score"]

    assert score() == 0.0
    assert score("--policy", "weighted:normalise=false") == -1.0
    assert score("--policy", "weighted:negative_only=false") is None


def test_a_dry_run_says_what_it_would_cost_and_asks_nothing(criterial: Command, folder: Path) -> None:
    with ScriptedProvider() as provider:
        arguments = ("grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--dry-run", "--price", "2,8")
        text = criterial(*arguments)
        told = json.loads(criterial(*arguments, "--json"))
        assert provider.bill["requests"] == 0
    assert "10 calls" in text and "about $" in text and "nothing was spent" in text.lower()
    assert (told["calls"], told["verdicts"]) == (10, 40) and told["money"] > 0
    assert not (folder / ".criterial").exists()


def test_a_budget_ends_with_status_3_and_says_how_to_go_on(criterial: Command, folder: Path) -> None:
    with ScriptedProvider() as provider:
        out = criterial("grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--budget", "4calls", "--json", status=3)
    assert json.loads(out)["stopped"] == "budget"
    assert "24 verdicts are open" in criterial.err and "run the same command again" in criterial.err


def test_faults_are_shown_with_their_causes(criterial: Command, folder: Path) -> None:
    with ScriptedProvider(plan=FaultPlan({"server_error": 1.0})) as provider:
        text = criterial("grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--attempts", "1")
    assert "40 failed" in text and "overloaded" in text
    rows = [line.split() for line in text.splitlines() if line.startswith(("s0 ", "s1 "))]
    assert rows and all(row[1] == "-" for row in rows)  # no mean, and no 0 in its place


def test_responses_of_a_file_take_the_place_of_the_cases_own(criterial: Command, folder: Path) -> None:
    (folder / "mine.jsonl").write_text(json.dumps({"task": "t3", "system": "mine", "text": "Mine."}))
    with ScriptedProvider() as provider:
        shown = json.loads(criterial("grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--responses", "mine.jsonl", "--json"))
    assert [(r["task"], r["system"]) for r in shown["responses"]] == [("t3", "mine")]


def test_a_sample_is_graded_alone(criterial: Command, folder: Path) -> None:
    with ScriptedProvider() as provider:
        shown = json.loads(criterial("grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--sample", "2", "--json"))
    assert len({r["task"] for r in shown["responses"]}) == 2


def test_repeats_show_the_judges_noise(criterial: Command, folder: Path) -> None:
    with ScriptedProvider() as provider:
        shown = json.loads(criterial("grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--repeats", "3", "--json"))
    assert "temperature 0" in criterial.err
    assert shown["calls"] == 30
    assert all(r["se"] == pytest.approx(0.0, abs=1e-12) for r in shown["responses"])


def test_a_python_check_runs_only_where_its_module_is_allowed(criterial: Command, folder: Path) -> None:
    (folder / "my_checks.py").write_text("def has_vowel(text, task):\n    return any(c in text for c in 'aeiou'), 'looked'\n")
    case = {
        "id": "t",
        "prompt": "p",
        "rubric": [{"text": "v", "check": {"kind": "python", "function": "my_checks:has_vowel"}}],
        "responses": ["yes", "why"],
    }
    (folder / "checked.json").write_text(json.dumps([case]))
    judge = ("--judge", "scripted:none.jsonl")
    (folder / "none.jsonl").write_text(json.dumps({"response": "r1", "criterion": "c1", "value": 1}))
    criterial("grade", "checked.json", *judge, status=2)
    assert "--allow-python my_checks" in criterial.err
    shown = json.loads(criterial("grade", "checked.json", *judge, "--allow-python", "my_checks", "--json"))
    assert [r["score"] for r in shown["responses"]] == [1.0, 0.0]
    sys.modules.pop("my_checks", None)


def test_the_shipped_example_decides_most_of_its_weight_offline(criterial: Command, folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    examples = Path(__file__).resolve().parents[2] / "examples/cases.yaml"
    shown = json.loads(criterial("grade", str(examples), "--json"))
    assert len({r["task"] for r in shown["responses"]}) >= 12 and len(shown["responses"]) == 36
    assert sum(r["coverage"] for r in shown["responses"]) / 36 > 0.7
    assert shown["causes"]["unsupported"] > 0
    assert [s["system"] for s in shown["systems"]] == ["careful", "brief", "padded"]
    assert "Nobody checked it" in shown["notes"][0]


def test_lint_finds_faults_and_its_status_tells(criterial: Command, folder: Path) -> None:
    (folder / "bad.json").write_text(
        json.dumps([{"id": "a", "text": "Fails to say hello", "weight": 3}, {"id": "b", "text": "Says hello"}])
    )
    (folder / "good.yaml").write_text("- Says hello\n- Says goodbye\n")
    assert "sign" in criterial("rubric", "lint", "bad.json", status=1)
    (found,) = json.loads(criterial("rubric", "lint", "bad.json", "--json", status=1))
    assert (found["code"], found["where"], found["severity"]) == ("sign", "a", "warning")
    criterial("rubric", "lint", "good.yaml")
    criterial("rubric", "lint", "cases.jsonl")
    assert json.loads(criterial("rubric", "schema", "verdict"))["title"] == "criterial verdict"


def test_the_embedded_judge_says_what_it_is_and_is_calibrated(criterial: Command, folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    assert "COVERS" in criterial("judge", "info")
    labels = [
        {"criterion": f"The response states that {fact}", "response": said, "value": int(fact in said)}
        for fact in ("the shop is shut", "rain is likely", "the train is late", "bread is cheap", "tea is hot", "the road is wet")
        for said in (f"They told me that {fact} today.", "I went home and slept.")
    ]
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row) for row in labels))
    assert "12 of 12 labels used" in criterial("judge", "calibrate", "--labels", "labels.jsonl", "--out", "mine.json")
    case = {
        "id": "t",
        "prompt": "p",
        "rubric": [{"text": "States that the ice is thin"}],
        "responses": ["We saw that the ice is thin.", "Hello."],
    }
    (folder / "one.json").write_text(json.dumps([case]))
    shown = json.loads(criterial("grade", "one.json", "--judge", "embedded:mine.json", "--json"))
    assert [r["score"] for r in shown["responses"]] == [1.0, 0.0]
    assert shown["notes"] == []  # it is calibrated now


def test_a_judge_is_checked_against_labels(criterial: Command, folder: Path) -> None:
    rows = planted_cases(tasks=12)
    for case in rows:
        for response in case["responses"]:
            response["verdicts"] = {"c0": 1, "c1": 0}
    (folder / "labelled.json").write_text(json.dumps(rows))
    with ScriptedProvider(truth=lambda criterion, *_: "yes" if "fact 0" in criterion else "no") as provider:
        arguments = ("judge", "check", "labelled.json", "--judge", f"chat:m@{provider.url}")
        text = criterial(*arguments, "--criteria-per-call", "1")
        (told,) = json.loads(criterial(*arguments, "--json"))["judges"]
    assert "48 labels by one rater" in text and "kappa" in text
    figures = {m["name"]: m["figure"]["value"] for m in told["measures"]}
    assert (figures["accuracy"], figures["kappa"], told["base_rate"]["value"]) == (1.0, 1.0, 0.5)


def test_methods_lists_what_can_be_chosen(criterial: Command, folder: Path) -> None:
    text = criterial("methods")
    assert all(name in text for name in ("score.weighted", "judge.pointwise", "formats.healthbench", "checks.regex"))
    assert {r["name"].split(".")[0] for r in json.loads(criterial("methods", "--room", "checks", "--json"))} == {"checks"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grade", "nothing.jsonl"), "there is no such file"),
        (("methods", "--room", "nowhere"), "there is no room"),
        (("grade", "cases.jsonl", "--judge", "nonsense"), "there is no judge"),
        (("grade", "cases.jsonl", "--judge", "chat:m"), "say the model"),
        (("grade", "cases.jsonl", "--judge", "scripted:nothing.jsonl"), "there is no such file"),
        (("grade", "cases.jsonl", "--budget", "lots"), "is no budget"),
        (("grade", "cases.jsonl", "--price", "cheap"), "is no price"),
        (("grade", "cases.jsonl", "--temperature", "hot"), "is no temperature"),
        (("grade", "cases.jsonl", "--parameter", "x"), "write NAME=VALUE"),
        (("grade", "cases.jsonl", "--store", "nonsense"), "is no store"),
        (("grade", "cases.jsonl", "--format", "nonsense"), "there is no format"),
        (("grade", "cases.jsonl", "--policy", "nonsense"), "no method 'nonsense'"),
        (("score", "cases.jsonl"), "carry no verdicts"),
        (("report", "last"), "there is no store"),
        (("runs",), "there is no store"),
        (("export", "last", "--to", "x.jsonl"), "there is no store"),
        (("judge", "calibrate", "--labels", "nothing.jsonl"), "there is no such file"),
        (("rubric", "schema", "nonsense"), "there is no schema"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_status_2(criterial: Command, folder: Path, arguments: tuple[str, ...], said: str) -> None:
    assert criterial(*arguments, status=2) == ""
    assert criterial.err.startswith("criterial: ") and said in criterial.err
    assert "Traceback" not in criterial.err


def test_an_option_that_is_not_there_is_refused(criterial: Command, folder: Path) -> None:
    criterial("grade", "cases.jsonl", "--nonsense", status=2)
    assert "--nonsense" in criterial.err


def test_help_and_version_are_there(criterial: Command) -> None:
    assert "grade" in criterial("--help") and "--criteria-per-call" in criterial("grade", "--help")
    assert criterial("--version").startswith("criterial 0")
    assert "Commands" in criterial()


def test_a_pipe_that_closes_early_ends_without_a_traceback(folder: Path) -> None:
    (folder / "many.jsonl").write_text("\n".join(json.dumps(c) for c in planted_cases(tasks=300)))
    script = f"{sys.executable} -m criterial.cli score many.jsonl --verdicts v.jsonl --json | head -c 100 >/dev/null"
    (folder / "v.jsonl").write_text(json.dumps({"response": "t0/r0", "criterion": "c0", "value": 1}))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env={**os.environ})
    assert "Traceback" not in done.stderr


def test_a_terminal_sees_a_bar_and_a_log_sees_lines(folder: Path) -> None:
    with ScriptedProvider(latency=0.3) as provider:
        command = f"{sys.executable} -m criterial.cli grade cases.jsonl --judge chat:m@{provider.url} --criteria-per-call 1 --concurrency 8"
        plain = subprocess.run(command.split(), capture_output=True, text=True, check=True)
        typed = subprocess.run(
            ["script", "-qec", f"{command} --store sqlite:///b.sqlite", "/dev/null"], capture_output=True, text=True, check=True
        )
    assert "\x1b[" not in plain.stdout + plain.stderr
    assert "judging" in typed.stdout and "40" in typed.stdout
