"""The engine on Ray, on a local cluster of two workers: the same verdicts, limits over all workers, nothing lost when one dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import criterial as cr
from criterial.core.table import VerdictTable
from criterial.errors import ConfigError
from criterial.formats.load import read_verdict_table
from criterial.model.scripted import ScriptedProvider
from criterial.run.admission import Budget
from criterial.run.loading import load_cases
from criterial.store.database import Database
from tests.helpers_runs import planted_cases

ray = pytest.importorskip("ray", reason="Ray is not installed (pip install 'criterial[ray]')")
pytest.importorskip("pyarrow", reason="pyarrow is not installed (pip install 'criterial[parquet]')")

KEY = "sk-canary8f2b41c790aa"
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", _node_ip_address="127.0.0.1")
    yield
    ray.shutdown()


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider(latency=0.01) as made:
        yield made


def _settings(concurrency: int = 6) -> cr.JudgeSettings:
    return cr.JudgeSettings(concurrency=concurrency, criteria_per_call=1)


def _cases(tasks: int = 12) -> list[dict[str, Any]]:
    made = planted_cases(tasks=tasks, criteria=4, responses=2)
    for case in made:
        case["rubric"] = [*case["rubric"], {"id": "digit", "text": "Has a digit", "check": {"kind": "regex", "pattern": "[0-9]"}}]
    return made


def _arrays(table: VerdictTable) -> list[Any]:
    return [
        table.layers,
        table.reasons,
        *(getattr(table, n).tolist() for n in ("state_LN", "value_LN", "cause_LN", "probs_LNK", "checked_LN")),
    ]


@pytest.mark.usefixtures("cluster")
def test_the_same_run_as_the_local_engine(provider: ScriptedProvider, postgres: str, tmp_path: Path) -> None:
    cases, judges = _cases(), [f"chat:m@{provider.url}", f"chat:n@{provider.url}"]
    here = cr.grade(cases, judges, store="sqlite://", settings=_settings(), repeats=2)
    paid = provider.bill["requests"]
    provider.most_in_flight = 0
    there = cr.grade(
        cases, judges, store=postgres, settings=_settings(), repeats=2, engine="ray", workers=2, blocks=str(tmp_path / "blocks")
    )
    assert _arrays(there.table) == _arrays(here.table)
    assert there.id == here.id and there.usage == here.usage and there.usage.calls == provider.bill["requests"] - paid
    assert there.report(tmp_path / "there.md").read_text() == here.report(tmp_path / "here.md").read_text()
    assert provider.most_in_flight <= 6  # the limit holds over both workers
    assert there.lost_calls == []
    written = sorted((tmp_path / "blocks" / there.id).glob("*.parquet"))
    assert len(written) > 2
    _, part = read_verdict_table(written[0], load_cases(cases))
    assert 0 < (part.state_LN > 0).sum() < (there.table.state_LN > 0).sum()

    again = cr.grade(
        cases, judges, store=postgres, settings=_settings(), repeats=2, engine="ray", workers=1, blocks=str(tmp_path / "blocks")
    )
    assert _arrays(again.table) == _arrays(here.table)
    assert again.usage.calls == 0 and provider.bill["requests"] == 2 * paid
    assert again.total.calls == there.usage.calls


@pytest.mark.usefixtures("cluster")
def test_a_budget_is_a_hard_stop_over_all_workers(provider: ScriptedProvider, tmp_path: Path) -> None:
    cases = _cases()
    options: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/s.sqlite", "settings": _settings(), "engine": "ray", "workers": 2}
    made = cr.grade(cases, f"chat:m@{provider.url}", budget=Budget(calls=30), **options)
    assert made.stopped == "budget" and made.usage.calls == provider.bill["requests"] == 30
    rest = cr.grade(cases, f"chat:m@{provider.url}", **options)
    assert not rest.stopped and provider.bill["requests"] == 12 * 2 * 4


@pytest.mark.usefixtures("cluster")
def test_a_killed_worker_costs_what_was_in_flight(provider: ScriptedProvider, tmp_path: Path) -> None:
    cases = _cases(tasks=60)
    here = cr.grade(cases, f"chat:m@{provider.url}", store="sqlite://", settings=_settings())
    paid = provider.bill["requests"]
    killed = []

    class Killer:
        def start(self, total: int) -> None:
            self.done = 0

        def advance(self, verdicts: int, failed: int, spent: Any) -> None:
            self.done += verdicts
            if self.done > 60 and not killed:
                victim = next(p for p in _processes() if "MapWorker" in _command(p))
                killed.append(victim)
                os.kill(victim, signal.SIGKILL)

        def finish(self) -> None:
            return None

    there = cr.grade(
        cases,
        f"chat:m@{provider.url}",
        progress=Killer(),
        store=f"sqlite:///{tmp_path}/s.sqlite",
        settings=_settings(),
        engine="ray",
        workers=2,
    )
    assert killed
    assert _arrays(there.table) == _arrays(here.table)
    repeats = provider.bill["requests"] - 2 * paid
    assert 0 <= repeats <= 6 and repeats <= len(there.lost_calls) <= 6
    assert there.usage.calls == paid  # what is on record, the dead worker's part of it too


def _processes() -> list[int]:
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@pytest.mark.usefixtures("cluster")
def test_what_cannot_work_is_said(provider: ScriptedProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"store": f"sqlite:///{tmp_path}/s.sqlite", "settings": _settings(), "engine": "ray", "workers": 1}

    class Broken:
        identity = name = "broken"
        calibrated, questions_per_call = True, 1

        def __reduce__(self) -> Any:
            return (_another, ())

        def estimate(self, request: Any) -> Any:
            raise NotImplementedError

        async def decide(self, request: Any) -> Any:
            raise NotImplementedError

        async def close(self) -> None:
            return None

    with pytest.raises(ConfigError, match="same versions of criterial"):
        cr.grade(_cases(1), Broken(), **options)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}, {"Alive": True}])
    with pytest.raises(ConfigError, match="postgresql"):
        cr.grade(_cases(1), f"chat:m@{provider.url}", **options)
    for nowhere in ("/proc/no/blocks", "nosuch://blocks", "s4://"):
        with pytest.raises(ConfigError, match="name another folder with --blocks"):
            cr.grade(_cases(1), f"chat:m@{provider.url}", **options, blocks=nowhere)
    with pytest.raises(ConfigError, match="local or ray"):
        cr.grade(_cases(1), f"chat:m@{provider.url}", **{**options, "engine": "spark"})


def _another() -> Any:
    from criterial.model.scripted import ScriptedDecider

    return ScriptedDecider([])


def test_a_killed_driver_is_resumed_by_the_same_command_and_no_key_is_left_behind(tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text("".join(json.dumps(c) + "\n" for c in _cases(tasks=60)))
    with ExitStack() as stack:
        provider = [sys.executable, "-m", "criterial.model.scripted", "--latency", "0.02"]
        served = stack.enter_context(subprocess.Popen(provider, stdout=subprocess.PIPE, text=True))
        assert served.stdout is not None
        url = served.stdout.readline().strip()
        store = f"sqlite:///{tmp_path}/s.sqlite"
        command = [sys.executable, "-m", "criterial.cli", "grade", str(cases), "--judge", f"chat:m@{url}", "--store", store, "--json"]
        command += ["--criteria-per-call", "1", "--concurrency", "6", "--engine", "ray", "--workers", "2", "--quiet"]
        rays = stack.enter_context(tempfile.TemporaryDirectory(prefix="ray", dir="/tmp"))  # the names of its sockets must be short
        environment = {**os.environ, "CRITERIAL_API_KEY": KEY, "RAY_TMPDIR": rays}
        began = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=environment)
        end = time.monotonic() + 120
        while _requests(url) < 100 and time.monotonic() < end and began.poll() is None:
            time.sleep(0.05)
        began.kill()
        began.communicate()
        assert began.returncode == -signal.SIGKILL
        while (before := _requests(url)) != (time.sleep(1.0), _requests(url))[1]:
            pass  # its workers notice that it is gone
        assert before < 60 * 2 * 4
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        shown = json.loads(done.stdout)
        repeats = _requests(url) - 60 * 2 * 4
        served.terminate()
        logs = [f for f in Path(rays).rglob("*") if f.is_file()]
        assert len(logs) > 10
        assert not [f for f in logs if KEY.encode() in f.read_bytes()]
    assert KEY not in done.stdout + done.stderr
    assert shown["verdicts"]["decided"] == 60 * 2 * 5
    assert 0 <= repeats <= 6
    database = Database(store)
    with database.begin(write=False) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM answers").scalar() == 60 * 2 * 4
    database.close()


def _requests(url: str) -> int:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as reply:
        return int(json.loads(reply.read()).get("requests", 0))
