"""The log of `--log FILE`: a line for what matters, each an object, none with a secret, and no run without a log that was asked for."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from criterial.cli.log import log_to
from criterial.core.verdict import CAUSES
from criterial.errors import ConfigError
from criterial.model.exchange import Patience
from criterial.model.scripted import FaultPlan, ScriptedProvider
from criterial.run.admission import Budget
from tests.helpers_cli import Command
from tests.helpers_runs import planted_cases

FAULTS = FaultPlan({"rate_limit": 0.3, "half_json": 0.3}, seed=1, retry_after=0.001)
QUICK = cr.JudgeSettings(patience=Patience(attempts=2, base=0.001, longest=0.01))


def lines(file: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]
    assert all(list(line) == ["time", "level", "event", "fields"] for line in found)
    return found


def of(found: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line["fields"] for line in found if line["event"] == event]


def test_faults_give_lines_with_their_causes_and_the_run_its_beginning_and_end(tmp_path: Path) -> None:
    with ScriptedProvider(plan=FAULTS) as provider, log_to(tmp_path / "log.jsonl", "debug"):
        run = cr.grade(planted_cases(20), f"chat:m@{provider.url}", store="sqlite://", settings=QUICK)
    found = lines(tmp_path / "log.jsonl")
    (begun,), (ended,) = of(found, "run begun"), of(found, "run ended")
    assert (begun["run"], begun["judges"], begun["verdicts"]) == (run.id, ["m"], 160)
    assert (ended["verdicts"], ended["causes"], ended["usage"]["calls"]) == (run.verdicts, run.causes, run.usage.calls)
    failed, attempts, answered = of(found, "call failed"), of(found, "attempt failed"), of(found, "call answered")
    assert failed and len(failed) + len(answered) == 40
    assert {f["cause"] for f in failed} == set(run.causes) <= set(CAUSES)
    assert len(attempts) == provider.bill["rate_limit"] + provider.bill["half_json"]
    assert sum(a["status"] == 429 for a in attempts) == provider.bill["rate_limit"] and {a["attempt"] for a in attempts} == {1, 2}
    assert {a["run"] for a in attempts} == {run.id} and {a["response"] for a in attempts} <= {v.response for v in run.table.verdicts()}
    assert all(64 > s["window"] >= 1 for s in of(found, "window shrank")) and of(found, "window shrank")
    assert sum(a["input_tokens"] for a in answered) <= provider.bill["input_tokens"]
    assert [line["level"] for line in found if line["event"] == "call failed"] == ["WARNING"] * len(failed)


def test_at_the_level_of_every_day_calls_that_went_well_are_not_told(tmp_path: Path) -> None:
    with ScriptedProvider() as provider, log_to(tmp_path / "log.jsonl", "info"):
        cr.grade(planted_cases(3), f"chat:m@{provider.url}", store="sqlite://")
    assert [line["event"] for line in lines(tmp_path / "log.jsonl")] == ["log begun", "run begun", "run ended"]


def test_why_a_judge_stopped_is_told(tmp_path: Path) -> None:
    with ScriptedProvider() as provider, log_to(tmp_path / "log.jsonl", "warning"):
        cr.grade(planted_cases(10), f"chat:m@{provider.url}", store="sqlite://", budget=Budget(calls=3))
    first, stopped = lines(tmp_path / "log.jsonl")
    assert (first["event"], stopped["event"], stopped["fields"]["why"]) == ("log begun", "judge stopped", "budget")


def test_a_run_that_breaks_off_leaves_its_error(tmp_path: Path) -> None:
    with ScriptedProvider() as provider, log_to(tmp_path / "log.jsonl", "info"), pytest.raises(ConfigError):
        cr.grade(planted_cases(1), f"chat:m@{provider.url}", store="sqlite://", engine="none")
    (broken,) = of(lines(tmp_path / "log.jsonl"), "run broke off")
    assert "there is no engine 'none'" in broken["error"]


def test_secrets_are_redacted_by_value_in_every_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, word = 'sk-"é/+= 90aa', "p%40ss-w0rd%2F9"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("CRITERIAL_STORE", f"postgresql://criterial:{word}@127.0.0.1/x")
    monkeypatch.setattr("sys.argv", ["criterial", "grade", "--judge", "chat:m@http://127.0.0.1/v1?token=query-canary"])
    with log_to(tmp_path / "log.jsonl", "info"):
        said = f"{key} sk-%22%C3%A9%2F%2B%3D%2090aa c2stIsOpLys9IDkwYWE= {word} p@ss-w0rd/9 query-canary EMPTY"
        logging.getLogger("criterial.x").info("it is %s", said, extra={"detail": said, "causes": {said: [said]}})
    _, line = lines(tmp_path / "log.jsonl")
    assert line["fields"]["detail"] == "[key] [key] [key] [key] [key] [key] EMPTY"
    assert line["event"] == f"it is {line['fields']['detail']}" and "90aa" not in json.dumps(line) and "w0rd" not in json.dumps(line)


def test_lines_of_many_threads_and_of_two_logs_do_not_mix_and_text_from_outside_stays_in_its_line(tmp_path: Path) -> None:
    hostile = 'a\n{"event": "run ended"}\r\u2028\x1b[2J\ud800"'
    logger = logging.getLogger("criterial.model.exchange")

    def tell(number: int) -> None:
        for i in range(100):
            logger.warning("call failed", extra={"task": hostile, "response": f"{number}/{i}", "detail": "x" * 20_000})

    with log_to(tmp_path / "log.jsonl", "info"), log_to(tmp_path / "log.jsonl", "info"):
        threads = [threading.Thread(target=tell, args=(n,)) for n in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    told = of(lines(tmp_path / "log.jsonl"), "call failed")
    assert len(told) == 1600 and len({f["response"] for f in told}) == 800
    assert {f["task"] for f in told} == {hostile}


@pytest.mark.parametrize("log", ["/dev/full", "missing/log.jsonl", "."])
def test_a_log_that_cannot_be_written_is_an_error_before_anything_is_spent(
    log: str, criterial: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.jsonl").write_text(json.dumps(planted_cases(1)[0]))
    with ScriptedProvider() as provider:
        criterial("--log", log, "grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", status=2)
        assert provider.bill["requests"] == 0
    assert f"the log {log} cannot be written" in criterial.err and "--log" in criterial.err
    assert not logging.getLogger("criterial").isEnabledFor(logging.INFO)


def test_a_log_whose_disk_fills_up_ends_with_a_word_and_the_run_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log.jsonl"
    with ScriptedProvider(plan=FAULTS) as provider, log_to(file, "debug"):
        (handler,) = [h for h in logging.getLogger("criterial").handlers if not isinstance(h, logging.NullHandler)]
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, handler._file.fileno())  # type: ignore[attr-defined]
        os.close(full)
        run = cr.grade(planted_cases(2), f"chat:m@{provider.url}", store="sqlite://", settings=QUICK)
    assert run.usage.calls >= 4
    assert capsys.readouterr().err.count("ends here (No space left on device); the run goes on") == 1
    assert [line["event"] for line in lines(file)] == ["log begun"]


def test_the_command_line_writes_it_for_any_command_and_leaves_the_process_as_it_was(
    criterial: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.jsonl").write_text(json.dumps(planted_cases(1)[0]))
    before = list(logging.getLogger("criterial").handlers)
    with ScriptedProvider() as provider:
        for level in ("debug", "info"):
            criterial("--log", "l.jsonl", "--log-level", level, "grade", "cases.jsonl", "--judge", f"chat:m@{provider.url}", "--json")
    events = [line["event"] for line in lines(tmp_path / "l.jsonl")]
    assert events == ["log begun", "run begun", "call answered", "call answered", "run ended", "log begun", "run begun", "run ended"]
    assert criterial.err == ""
    assert logging.getLogger("criterial").handlers == before and logging.getLogger("criterial").level == logging.NOTSET
    criterial("--log", "l.jsonl", "--log-level", "loud", "runs", status=2)
    assert "write debug, info, warning" in criterial.err


def test_without_a_log_nothing_is_printed(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("criterial"), "propagate", False)  # pytest listens above, so Python's last resort would not speak
    with ScriptedProvider(plan=FaultPlan({"half_json": 1.0})) as provider:
        run = cr.grade(planted_cases(1), f"chat:m@{provider.url}", store="sqlite://", settings=QUICK)
    assert run.verdicts["failed"] > 0 and capfd.readouterr() == ("", "")
