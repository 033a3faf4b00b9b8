"""What `criterial runs show` tells of a run's calls, against calls that are planted in a store of either kind."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import criterial as cr
from criterial.model.exchange import Patience
from criterial.model.scripted import FaultPlan, ScriptedProvider
from criterial.report.history import lines, told
from criterial.store.database import Database, insert_new
from criterial.store.history import History, history
from criterial.store.runs import find_run, total_usage
from criterial.store.schema import calls
from tests.helpers_cli import Command
from tests.helpers_runs import planted_cases

DAY = 86_400.0


def call(
    number: int, session: str, started: float, seconds: float, questions: int = 10, causes: str = "", run: str = "r"
) -> dict[str, Any]:
    nothing = dict.fromkeys(("calls", "retries", "input_tokens", "cached_tokens", "output_tokens"), 0)
    row = {"id": f"{run}{number:010d}", "run": run, "session": session, "started": started, "seconds": seconds, "questions": questions}
    return {**row, **nothing, "money": None, "causes": causes}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/s.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres")
    opened = Database(url)
    yield opened
    with opened.begin() as connection:
        connection.execute(calls.delete().where(calls.c.run.in_(("r", "other"))))
    opened.close()


def planted(database: Database, rows: list[dict[str, Any]]) -> History:
    with database.begin() as connection:
        insert_new(connection, calls, [*rows, call(0, "x", 5.0, 1e6, 10**6, "auth", run="other")])
    return history(database, "r")


def test_calls_questions_failures_and_times_are_those_that_were_planted(database: Database) -> None:
    rng = random.Random(7)
    seconds = [rng.lognormvariate(0.0, 1.0) for _ in range(1001)]
    causes = ["", "malformed", "malformed\nmalformed\ntimeout", "rate_limit"]
    chosen = [rng.choice(causes) for _ in seconds]
    told_of = planted(database, [call(i, "s", 1e9 + i, s, 3, c) for i, (s, c) in enumerate(zip(seconds, chosen, strict=True))])
    assert (told_of.calls, told_of.questions) == (1001, 3003)
    flat = "\n".join(c for c in chosen if c).split("\n")
    assert told_of.failures == {c: flat.count(c) for c in ("malformed", "timeout", "rate_limit")}
    assert list(told_of.failures.values()) == sorted(told_of.failures.values(), reverse=True)
    assert told_of.median == pytest.approx(np.quantile(seconds, 0.5), abs=0.002)
    assert told_of.p95 == pytest.approx(np.quantile(seconds, 0.95, method="inverted_cdf"), abs=0.002)


def test_the_pace_is_that_of_each_stretch_and_a_day_between_sittings_is_no_time(database: Database) -> None:
    """Ten minutes at 60 calls a minute, ten at 30; a day later ten at 120, in a sitting that was killed and never ended."""
    rows = [call(i, "a", 1e9 + i, 1.0) for i in range(600)]
    rows += [call(600 + i, "a", 1e9 + 600 + 2 * i, 1.0) for i in range(300)]
    rows += [call(900 + i, "b", 1e9 + DAY + i / 2, 1.0) for i in range(1200)]
    told_of = planted(database, rows)
    assert sum(b.questions for b in told_of.bars) == told_of.questions == 21_000
    assert sum(b.seconds for b in told_of.bars) == pytest.approx(1800, rel=0.01)
    assert [b.sitting for b in told_of.bars] == sorted(b.sitting for b in told_of.bars)
    assert 40 <= len(told_of.bars) <= 62
    first = [b.per_minute for b in told_of.bars if b.sitting == 0]
    second = [b.per_minute for b in told_of.bars if b.sitting == 1]
    assert np.allclose(first[: len(first) // 2 - 1], 600, rtol=0.1)
    assert np.allclose(first[len(first) // 2 + 1 :], 300, rtol=0.1)
    assert np.allclose(second[:-1], 1200, rtol=0.1)
    text = list(lines(told_of))
    plot = next(line for line in text if "\u2588" in line)
    assert plot.count("|") == 1 and plot.index("\u2588") > plot.index("|")  # full height in the second sitting alone
    assert "a bar is 30 s and | between sittings" in text[-1] and text[-1].startswith("  from 0 to 1,199 a minute, least 300;")


def test_as_json_the_pace_is_arrays_of_one_length(database: Database) -> None:
    shown = told(planted(database, [call(i, "a", 1e9 + i, 1.0, causes="timeout" * (i == 3)) for i in range(100)]))
    assert shown["failures"] == {"timeout": {"count": 1, "share": 0.001}}
    pace = shown["pace"]
    assert {len(v) for v in pace.values()} == {len(pace["sitting"])} and sum(pace["questions"]) == 1000
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_run_of_one_call_has_one_bar_and_no_plot(database: Database, seconds: float) -> None:
    told_of = planted(database, [call(0, "a", 1e9, seconds)])
    assert len(told_of.bars) == 1 and told_of.bars[0].questions == 10
    assert not any("|" in line or "\u2588" in line for line in lines(told_of))


def test_many_short_sittings_are_a_bar_each(database: Database) -> None:
    told_of = planted(database, [call(i, f"s{i:03}", 1e9 + i * DAY, 1.0) for i in range(200)])
    assert [b.sitting for b in told_of.bars] == list(range(200))
    assert max(map(len, lines(told_of))) <= 110


def test_a_run_without_calls_tells_of_none(database: Database) -> None:
    told_of = planted(database, [])
    assert told_of == History(0, 0, {}, None, None, [])
    assert list(lines(told_of)) == []
    assert told(told_of)["failures"] == {}


def test_of_a_real_run_with_faults_it_tells_what_the_run_itself_says(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    quick = cr.JudgeSettings(patience=Patience(attempts=2, base=0.001, longest=0.01))
    plan = FaultPlan({"half_json": 0.3, "server_error": 0.3}, seed=2)
    with ScriptedProvider(plan=plan) as provider:
        run = cr.grade(planted_cases(20), f"chat:m@{provider.url}", store=store, settings=quick)
    database = Database(store)
    found, spent = history(database, find_run(database, "last").id), total_usage(database, run.id)
    database.close()
    assert found.failures == run.causes and len(found.failures) == 2
    assert (found.calls, found.questions) == (40, 160)
    criterial = Command(capsys)
    shown = json.loads(criterial("runs", "show", "--json", "--store", store))
    assert shown["history"]["failures"]["malformed"]["count"] == run.causes["malformed"]
    assert shown["usage"]["retries"] == spent.retries > 0
    text = criterial("runs", "show", "--store", store)
    assert "40 calls of 160 questions" in text and f"{run.causes['malformed']:7} " in text
